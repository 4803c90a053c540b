"""Which workers a program gets. Real ranks: `test_evaluate`; lost ones: `test_schedule`."""

import os
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from dstilts.evaluation import executors
from dstilts.evaluation.executors import open_executor


def test_one_worker_is_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    # One rank alone, as under `srun -n 1`, has nobody to serve it.
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "1")
    with open_executor(1) as workers:
        assert workers is not None
        (worker,) = workers.each
        assert worker.submit(os.getpid).result() == os.getpid()
        assert not worker.replace()


def test_a_process_is_replaced_without_the_others() -> None:
    with open_executor(2) as workers:
        assert workers is not None
        first, second = workers.each
        hanging, other = first.submit(time.sleep, 600), second.submit(os.getpid)
        before = other.result()
        assert first.replace()
        with pytest.raises(BrokenExecutor):
            hanging.result(timeout=60)
        assert second.submit(os.getpid).result() == before
        assert first.submit(os.getpid).result() not in (before, os.getpid())


# Rank 0 stops a rank that has nothing left to do, which then cannot say goodbye.
STOPPED_WHILE_IDLE = """
import os, signal
from dstilts.evaluation import executors
executors._GOODBYE_SECONDS = 3.0
with executors.open_executor(1) as workers:
    if workers is not None:
        os.kill(workers.each[0].submit(os.getpid).result(), signal.SIGSTOP)
"""


@pytest.mark.distributed
def test_a_rank_that_does_not_end_ends_the_job() -> None:
    mpiexec = Path(sys.executable).with_name("mpiexec")
    command = [mpiexec, "-n", "3", sys.executable, "-c", STOPPED_WHILE_IDLE]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == executors.HANGS, ended.stderr
    assert "a rank hangs, and ends with the whole job" in ended.stderr
