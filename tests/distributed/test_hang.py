"""Ranks that stop, get stuck, disagree or leave: the others name the one at fault."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dstilts.engine.heartbeat import Heartbeat, read_heartbeats
from dstilts.engine.watchdog import EXIT_CODE, HANG_FILE
from tests.distributed.launch import REPOSITORY, launch
from tests.distributed.phases import phase
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.distributed

MINUTES = 0.2


@contextlib.contextmanager
def ranks_of(folder: Path, mode: str, number: int = 3) -> Iterator[list[subprocess.Popen[str]]]:
    """Ranks of hang_worker.py without a launcher, which would end them with the first one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "tests.distributed.hang_worker", str(folder), str(MINUTES), mode]
    shared = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(number),
    }
    processes = [
        subprocess.Popen(
            words,
            cwd=REPOSITORY,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(number)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def failures(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """How each rank ended: its code, and what it said of the failure."""
    found = []
    for process in processes:
        _, errors = process.communicate(timeout=120)
        lines = [line for line in errors.splitlines() if "dstilts failed: " in line]
        found.append((process.returncode, "\n".join(lines).partition("dstilts failed: ")[2]))
    return found


def test_a_stopped_rank_in_the_middle_of_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    encoder = tiny_encoder(tmp_path / "encoder")
    endless = phase(tmp_path / "out", encoder, "mnli", steps=100_000, timeout_minutes=MINUTES)
    launched = launch([endless], tmp_path / "launch")
    log, hang = tmp_path / "launch" / "log.txt", endless.run_folder / HANG_FILE
    stopped = 0
    try:
        stopped = trained(endless.run_folder, launched, log)[1].pid
        os.kill(stopped, signal.SIGSTOP)
        while not hang.exists() or not hang.read_text().endswith("\n"):
            time.sleep(0.1)
        # Otherwise the launcher, which ends all ranks with the first, waits for this one.
        os.kill(stopped, signal.SIGCONT)
        code = launched.wait(timeout=90)
    finally:
        end(launched, stopped)
    assert code == EXIT_CODE, log.read_text()
    said = [line for line in log.read_text().splitlines() if "dstilts failed: no prog" in line]
    (line,) = said
    assert f"rank 1 (host {socket.gethostname()}, pid {stopped}) does not answer: last " in line
    # In which one depends on where the other was stopped: every collective of a step is one.
    place = r"engine/(loop|preemption)\.py: \w+"
    assert re.search(rf"; rank 0 waits in (all_reduce|all_gather\w*) \({place}\)", line)
    assert line.endswith(json.loads(hang.read_text())["reason"])


def trained(run: Path, launched: subprocess.Popen[str], log: Path) -> list[Heartbeat]:
    """The heartbeats of both ranks once they are in the middle of training."""
    while True:
        assert launched.poll() is None, log.read_text()
        beats = [beat for beat in read_heartbeats(run, 2) if beat and beat.step >= 10]
        if len(beats) == 2:
            return beats
        time.sleep(0.1)


def end(launched: subprocess.Popen[str], stopped: int) -> None:
    """Leaves nothing behind: a stopped process takes no other signal but the last one."""
    if stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(stopped, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(launched.pid, signal.SIGKILL)
    launched.wait()


def test_a_rank_that_is_stuck_in_its_forward_pass(tmp_path: Path) -> None:
    with ranks_of(tmp_path, "sleep") as processes:
        ends = failures(processes)
    # One of them speaks, and all end: none has to be waited for.
    assert [code for code, _ in ends] == [EXIT_CODE] * 3
    (said,) = [text for _, text in ends if text]
    stuck = f"rank 2 (host {socket.gethostname()}, pid {processes[2].pid}) is stuck in forward"
    assert stuck in said
    assert said.endswith(" while ranks 0, 1 wait in all_reduce")


def test_ranks_in_different_collectives(tmp_path: Path) -> None:
    with ranks_of(tmp_path, "barrier") as processes:
        ends = failures(processes)
    (said,) = [text for _, text in ends if text]
    assert "ranks disagree: ranks 0, 1 wait in all_reduce, rank 2 waits in barrier" in said


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("fail", "failed at step 5 in forward: ValueError: row 7 is broken"),
        ("kill", "is gone: last heard of "),
    ],
)
def test_a_rank_that_leaves(mode: str, reason: str, tmp_path: Path) -> None:
    with ranks_of(tmp_path, mode) as processes:
        ends = failures(processes)
    named = f"rank 2 (host {socket.gethostname()}, pid {processes[2].pid}) {reason}"
    for code, text in ends[:2]:
        assert code == 1
        assert text.startswith(named)
