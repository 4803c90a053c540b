"""Which executor a program gets. Real processes and ranks: `test_evaluate`."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from dstilts.evaluation.executors import open_executor


def test_one_worker_is_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    # One rank alone, as under `srun -n 1`, has nobody to serve it.
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "1")
    with open_executor(1) as executor:
        assert isinstance(executor, ThreadPoolExecutor)


def test_several_workers_are_processes() -> None:
    with open_executor(3) as executor:
        assert isinstance(executor, ProcessPoolExecutor)
