"""A rank alone under its watchdog; several of them in tests/distributed/test_hang.py."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dstilts.core.process_group import ProcessGroup
from dstilts.engine.heartbeat import heartbeat_file, position, read_heartbeats
from dstilts.engine.watchdog import EXIT_CODE, HANG_FILE, Watchdog

ALONE = ProcessGroup()
PROGRAM = """
import sys, time
from pathlib import Path
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.watchdog import Watchdog

with Watchdog(Path(sys.argv[1]), ProcessGroup(), 0.03) as watchdog:
    watchdog.at("forward", 7)
    print("open", flush=True)
    until = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < until:
        time.sleep(0.02)
        if sys.argv[3] == "moves":
            watchdog.at("forward", 7)
"""


def started(folder: Path, seconds: float, how: str) -> subprocess.Popen[str]:
    """A process whose watchdog waits for about 1.4 seconds."""
    words = [sys.executable, "-c", PROGRAM, str(folder), str(seconds), how]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_a_rank_without_progress_ends_with_one_line(tmp_path: Path) -> None:
    process = started(tmp_path, 3600, "stays")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == EXIT_CODE
    (line,) = errors.splitlines()
    assert "dstilts failed: no progress for " in line
    assert "rank 0" in line
    assert "is stuck in forward of step 7 since " in line
    event = json.loads((tmp_path / HANG_FILE).read_text())
    assert (event["event"], event["step"]) == ("stopped", 7)
    assert line.endswith(event["reason"])


def test_progress_may_be_at_the_same_place(tmp_path: Path) -> None:
    process = started(tmp_path, 4, "moves")
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert not (tmp_path / HANG_FILE).exists()


def test_a_process_stopped_by_hand_may_go_on(tmp_path: Path) -> None:
    process = started(tmp_path, 3, "moves")
    os.kill(process.pid, signal.SIGSTOP)
    try:
        time.sleep(2.5)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_heartbeats_say_where_a_rank_is(tmp_path: Path) -> None:
    with Watchdog(tmp_path, ALONE, 0.1) as watchdog:
        for step in range(500):
            watchdog.at("saving", step)
            time.sleep(0.02)
            (beat,) = read_heartbeats(tmp_path, 1)
            if beat is not None and beat.step > 0:
                break
    assert beat is not None
    assert (beat.rank, beat.pid, beat.place, beat.error) == (0, os.getpid(), "saving", None)
    assert beat.since <= beat.time
    assert beat.memory_gib is None or beat.memory_gib > 0
    table = json.loads(heartbeat_file(tmp_path, 0).read_text())
    contract = "rank host pid time step place since collective memory_gib".split()
    assert set(contract) <= set(table)


def test_the_last_heartbeat_tells_of_the_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="row 7"), Watchdog(tmp_path, ALONE, 30) as watchdog:
        watchdog.at("backward", 3)
        raise ValueError("row 7\nis broken")
    (beat,) = read_heartbeats(tmp_path, 1)
    assert beat is not None
    assert (beat.step, beat.place, beat.error) == (3, "backward", "ValueError: row 7 is broken")


def test_a_hang_of_an_earlier_run_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / HANG_FILE).parent.mkdir()
    (tmp_path / HANG_FILE).write_text("{}")
    with Watchdog(tmp_path, ALONE, 30):
        assert not (tmp_path / HANG_FILE).exists()


def test_a_disk_without_room_does_not_end_the_run(tmp_path: Path) -> None:
    # A folder where the file is to be written.
    (tmp_path / "ranks" / ".0000.json.tmp").mkdir(parents=True)
    with Watchdog(tmp_path, ALONE, 0.1) as watchdog:
        for step in range(40):
            watchdog.at("forward", step)
            time.sleep(0.02)
    assert read_heartbeats(tmp_path, 1) == [None]


def test_broken_heartbeats_are_none(tmp_path: Path) -> None:
    for rank, text in enumerate(("", "[]", '{"rank": 2}')):
        file = heartbeat_file(tmp_path, rank)
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert read_heartbeats(tmp_path, 4) == [None] * 4


@pytest.mark.parametrize(
    ("file", "function", "name"),
    [
        ("/x/torch/distributed/distributed_c10d.py", "all_reduce", "all_reduce"),
        ("/x/deepspeed/comm/comm.py", "reduce_scatter_fn", "reduce_scatter_fn"),
        ("/x/deepspeed/runtime/zero/partition_parameters.py", "wait", "all_gather"),
        ("/x/deepspeed/runtime/engine.py", "wait", None),
    ],
)
def test_the_collective_is_found_in_the_stack(file: str, function: str, name: str | None) -> None:
    released, reached = threading.Event(), threading.Event()
    code = f"def {function}():\n reached.set()\n released.wait()\ndef outer():\n {function}()\n"
    scope = {"reached": reached, "released": released}
    exec(compile(code, file, "exec"), scope)
    thread = threading.Thread(target=scope["outer"])
    thread.start()
    reached.wait()
    try:
        # Of the thread that is asked for, and of another one, as in the backward pass on CUDA.
        assert position(thread.ident or 0)[0] == name
        assert position(threading.main_thread().ident or 0)[0] == name
    finally:
        released.set()
        thread.join()
    assert position(threading.main_thread().ident or 0)[0] is None
