"""Who is named when ranks wait for each other, or a connection breaks."""

import subprocess
import threading
import time
from pathlib import Path

import pytest

from dstilts.core.errors import RunError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine import diagnosis
from dstilts.engine.diagnosis import diagnose, explain, is_peer_loss
from dstilts.engine.heartbeat import Heartbeat, write_heartbeat
from tests.engine.heartbeats import NOW, beat, here

CLOSED = RuntimeError("[pair.cc:553] Connection closed by peer [127.0.0.1]:6812.")


def said(*beats: Heartbeat | None) -> str:
    return diagnose(beats, NOW, 60)


def clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def waiting(rank: int, **changed: object) -> Heartbeat:
    return beat(rank, **{"collective": "all_reduce", "place": "backward", **changed})


def test_a_rank_without_heartbeats() -> None:
    assert said(waiting(0), beat(1, time=NOW - 300), waiting(2), waiting(3)) == (
        f"rank 1 (host elsewhere, pid 101) does not answer: last heard of {clock(NOW - 300)} "
        "at step 120 in forward; ranks 0, 2, 3 wait in all_reduce"
    )
    assert said(waiting(0), None) == (
        "rank 1 does not answer: no sign of life from the beginning; rank 0 waits in all_reduce"
    )


def test_a_host_that_is_down() -> None:
    lost = [beat(rank, host="b", time=NOW - 300, collective="barrier") for rank in range(8, 16)]
    assert said(*(waiting(rank) for rank in range(8)), *lost) == (
        f"ranks 8 to 15 (host b) do not answer: last heard of {clock(NOW - 300)} "
        "at step 120 in forward (barrier); ranks 0 to 7 wait in all_reduce"
    )


def test_a_rank_that_is_stuck() -> None:
    stuck = beat(2, code="engine/loop.py: _forward_backward")
    assert said(waiting(0), waiting(1), stuck) == (
        f"rank 2 (host elsewhere, pid 102) is stuck in forward of step 120 since "
        f"{clock(NOW - 600)} (engine/loop.py: _forward_backward) "
        "while ranks 0, 1 wait in all_reduce"
    )
    # One rank alone has nobody to wait for it.
    assert said(beat(0)) == (
        f"rank 0 (host elsewhere, pid 100) is stuck in forward of step 120 since {clock(NOW - 600)}"
    )


def test_ranks_that_disagree() -> None:
    assert said(waiting(0), waiting(1, collective="barrier"), waiting(2)) == (
        "ranks disagree: ranks 0, 2 wait in all_reduce, rank 1 waits in barrier"
    )
    assert said(waiting(0), waiting(1, step=121)) == (
        "ranks disagree: rank 0 waits in all_reduce of step 120, "
        "rank 1 waits in all_reduce of step 121"
    )


def test_all_ranks_in_one_collective() -> None:
    code = "engine/saving.py: save"
    assert said(waiting(0, host="a", code=code), waiting(1, host="b", code=code)) == (
        "all ranks 0, 1 wait in all_reduce (engine/saving.py: save), "
        "the network between a, b may be down"
    )


def test_an_error_goes_before_what_followed_from_it() -> None:
    closed = here(0, error="RuntimeError: Connection closed by peer")
    failed = beat(1, error="ValueError: row 7 is broken", time=NOW - 300)
    assert said(closed, failed, beat(2, time=NOW - 300)) == (
        "rank 1 (host elsewhere, pid 101) failed at step 120 in forward: "
        "ValueError: row 7 is broken"
    )


@pytest.fixture
def ended_pid() -> int:
    with subprocess.Popen(["true"]) as process:
        pass
    return process.pid


def test_a_process_of_this_host_that_is_gone(ended_pid: int) -> None:
    lost = here(1, pid=ended_pid, free_gib=None)
    assert said(here(0, collective="all_reduce"), lost).startswith(f"rank 1 (host {lost.host}, ")
    assert "is gone: last heard of" in said(here(0), lost)
    # One that has ended but was not asked for how it ended is gone as well.
    process = subprocess.Popen(["true"])
    while Path(f"/proc/{process.pid}/stat").read_text().split()[2] != "Z":
        time.sleep(0.01)
    assert "is gone" in said(here(0), here(1, pid=process.pid))
    process.wait()


def test_a_kill_for_want_of_memory(ended_pid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "memory_kills", lambda: 0)
    lost = here(1, pid=ended_pid)
    assert "memory" not in said(here(0), lost)
    low = here(1, pid=ended_pid, free_gib=0.2)
    assert said(here(0), low).endswith(
        "; it was probably killed for want of memory: it had 3.0 GiB, 0.2 GiB were free"
    )
    monkeypatch.setattr(diagnosis, "memory_kills", lambda: 1)
    assert "; the system has killed a process for want of memory: " in said(here(0), lost)


def group_of(folder: Path, *beats: Heartbeat) -> ProcessGroup:
    for each in beats:
        write_heartbeat(folder, each)
    return ProcessGroup(rank=0, world_size=len(beats))


def test_explain_names_the_rank_that_failed(tmp_path: Path) -> None:
    group = group_of(tmp_path, here(0), here(1, error="ValueError: row 7 is broken"), here(2))
    assert explain(CLOSED, tmp_path, group) == (
        f"rank 1 (host {here(1).host}, pid {here(1).pid}) failed at step 120 in forward: "
        "ValueError: row 7 is broken"
    )


def test_explain_waits_until_a_rank_of_another_host_has_fallen_silent(tmp_path: Path) -> None:
    every = 0.1
    group = group_of(tmp_path, here(0, every=every), beat(1, every=every), beat(2, every=every))
    closed = threading.Event()

    def alive() -> None:
        number = 0
        while not closed.wait(every / 2):
            number += 1
            # Its clock goes wrong; what counts is that it writes.
            write_heartbeat(tmp_path, beat(1, every=every, time=float(number)))

    thread = threading.Thread(target=alive)
    thread.start()
    try:
        said = explain(CLOSED, tmp_path, group)
    finally:
        closed.set()
        thread.join()
    assert said is not None
    assert said.startswith("rank 2 (host elsewhere, pid 102) does not answer")


def test_explain_keeps_the_reason_where_no_rank_is_gone(tmp_path: Path) -> None:
    group = group_of(tmp_path, here(0, every=0.1))
    assert explain(CLOSED, tmp_path, group) == (
        "the connection to another rank broke, and all of them answer: "
        "RuntimeError: [pair.cc:553] Connection closed by peer [127.0.0.1]:6812."
    )


@pytest.mark.parametrize(
    "error", [RunError("the loss is nan"), RuntimeError("shape mismatch"), ValueError("gloo")]
)
def test_other_errors_are_left_alone(error: Exception, tmp_path: Path) -> None:
    assert not is_peer_loss(error)
    assert explain(error, tmp_path, ProcessGroup()) is None
