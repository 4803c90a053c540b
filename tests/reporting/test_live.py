"""The live view: every state a run can be in, read from files that are written meanwhile."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from dstilts.core.errors import UserError
from dstilts.reporting import live
from dstilts.reporting.live import LiveRun, live_runs
from dstilts.reporting.live_table import plain_text, rich_table, short_names
from tests.reporting.live_runs import NOW, running, start, train, write_beat, write_events


def only(runs: Path) -> LiveRun:
    (run,) = live_runs(runs, NOW)
    return run


def gone() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_running_run(tmp_path: Path) -> None:
    running(tmp_path / "models" / "nli-s1-abc.run")
    run = only(tmp_path)
    assert (run.name, run.state, run.note) == ("models/nli-s1-abc", "running", "")
    assert (run.num_taken, run.num_steps) == (120, 400)
    assert (run.loss, run.losses) == (0.6931, {"mnli": 0.7, "squad": 2.1})
    assert (run.tokens_per_second, run.mfu) == (5230.4, 0.412)
    assert run.memory_gib == (1.25, 1.5)
    assert run.seconds_left == 4315  # as of the event, less the time since
    assert run.ages == (1.0, 2.0)


def test_plain_text(tmp_path: Path) -> None:
    running(tmp_path / "nli.run")
    text = plain_text(live_runs(tmp_path, NOW), tmp_path, NOW)
    title, heading, row = text.splitlines()
    assert title.startswith(f"{tmp_path} at ")
    assert title.endswith(": 1 running")
    assert heading.split() == "run state step loss tokens/s MFU GiB left seen".split()
    assert re.split(" {2,}", row) == [
        *("nli", "running", "120/400", "0.6931, mnli 0.70, squad 2.10", "5230", "41 %"),
        *("1.2 1.5", "1 h 12 min", "1 s, 2 s"),
    ]
    (title,) = plain_text([], tmp_path, NOW).splitlines()
    assert title.endswith(": no runs yet")


def test_a_terminal_shows_the_same(tmp_path: Path) -> None:
    running(tmp_path / "nli.run")
    write_beat(tmp_path / "nli.run", 1, 1.0, place="saving")
    console = Console(width=160, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(rich_table(live_runs(tmp_path, NOW), tmp_path, NOW))
    text = console.export_text()
    for part in ("120/400", "mnli 0.70", "5230", "41 %", "1.2 1.5", "1 h 12 min", "saving"):
        assert part in text


def test_states_by_the_last_event(tmp_path: Path) -> None:
    write_events(tmp_path / "a.run", start(3))
    write_events(tmp_path / "b.run", start(100), {"ago": 9, "event": "stopped", "reason": "told"})
    running(tmp_path / "c.run")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "manifest.json").touch()
    states = {run.name: (run.state, run.note) for run in live_runs(tmp_path, NOW)}
    assert states == {"a": ("starting", ""), "b": ("stopped", "told"), "c": ("finished", "")}
    assert all(run.seconds_left is None for run in live_runs(tmp_path, NOW))


def test_a_rank_that_falls_silent(tmp_path: Path) -> None:
    folder = running(tmp_path / "nli.run", ages=(1.0, 55.0))
    assert only(tmp_path).state == "running"
    write_beat(folder, 1, 61.0)
    run = only(tmp_path)
    assert run.state == "failed"
    assert "rank 1" in run.note
    assert "does not answer" in run.note
    assert run.ages == (1.0, 61.0)
    assert run.seconds_left is None


def test_a_rank_that_is_gone(tmp_path: Path) -> None:
    folder = running(tmp_path / "nli.run")
    write_beat(folder, 0, 20.0, pid=gone())
    run = only(tmp_path)
    assert (run.state, "rank 0" in run.note, "is gone" in run.note) == ("failed", True, True)
    write_beat(folder, 0, 1.0, error="OutOfMemoryError: too much")
    assert "too much" in only(tmp_path).note
    # Saved last of all: it was told to stop.
    write_beat(folder, 0, 20.0, pid=gone())
    write_events(folder, start(100), train(30, 9), {"ago": 25, "event": "saved", "step": 9})
    assert (only(tmp_path).state, only(tmp_path).note) == ("stopped", "saved")


def test_ranks_that_wait_for_each_other(tmp_path: Path) -> None:
    folder = running(tmp_path / "nli.run", ago=900)
    write_beat(folder, 0, 1.0, since=NOW - 200, collective="all_reduce")
    write_beat(folder, 1, 1.0, since=NOW - 190)
    run = only(tmp_path)
    assert run.state == "stalled"
    assert "rank 1" in run.note
    assert "all_reduce" in run.note
    # A rank that got on meanwhile: the others only wait for it.
    write_beat(folder, 1, 1.0, since=NOW - 3, place="validation")
    assert (only(tmp_path).state, only(tmp_path).note) == ("running", "validation")
    (folder / "ranks" / "hang.json").write_text('{"event": "stopped", "reason": "rank 1 hung"}')
    assert (only(tmp_path).state, only(tmp_path).note) == ("failed", "rank 1 hung")


def test_a_run_without_heartbeats_that_says_nothing(tmp_path: Path) -> None:
    often = [train(1000 - 10 * n, n) for n in range(6)]
    write_events(tmp_path / "nli.run", start(1010), *often)
    assert only(tmp_path).state == "stalled"
    assert only(tmp_path).ages == ()
    seldom = [train(2000 - 300 * n, n) for n in range(6)]
    write_events(tmp_path / "nli.run", start(2100), *seldom)
    assert only(tmp_path).state == "running"


def test_a_resumed_run_forgets_the_attempt_before(tmp_path: Path) -> None:
    folder = write_events(
        tmp_path / "nli.run",
        start(900, world_size=4),
        train(800, 119, memory_gib=[1.0] * 4),
        start(20, world_size=2, first_step=100),
    )
    for rank in range(4):
        write_beat(folder, rank, 790.0, pid=gone())
    run = only(tmp_path)
    assert (run.state, run.num_taken, run.num_steps) == ("starting", 100, 400)
    assert (run.ages, run.memory_gib) == ((), ())
    write_beat(folder, 0, 1.0, place="starting")
    assert only(tmp_path).ages == (1.0, None)
    assert only(tmp_path).state == "starting"


def test_only_the_end_of_a_long_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_READ", 4096)
    steps = [train(1000 - 0.1 * step, step) for step in range(5000)]
    folder = write_events(tmp_path / "nli.run", start(1100, world_size=8), *steps)
    size = (folder / "events.jsonl").stat().st_size
    assert size > 100 * 4096
    read = count_reads(monkeypatch)
    run = only(tmp_path)
    assert read["bytes"] < 4 * 4096
    assert (run.num_taken, run.started) == (5000, NOW - 1100)


def count_reads(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts what is decoded from here on."""
    read, original = {"bytes": 0}, json.loads

    def loads(text: str | bytes, **options: object) -> object:
        read["bytes"] += len(text)
        return original(text, **options)

    monkeypatch.setattr(json, "loads", loads)
    return read


@pytest.mark.parametrize("cut", range(0, 210, 17))
def test_half_a_line_is_passed_over(tmp_path: Path, cut: int) -> None:
    line = json.dumps({"time": NOW, **train(0, 129)})[:cut]
    write_events(tmp_path / "nli.run", start(100), train(15, 109), train(5, 119), end=line)
    assert only(tmp_path).num_taken == 120
    write_events(tmp_path / "nli.run", end=line)
    assert live_runs(tmp_path, NOW) == []


def test_values_of_the_wrong_kind(tmp_path: Path) -> None:
    odd = {"losses": [1], "memory_gib": {"a": 1}, "mfu": "x", "loss": None, "eta_seconds": None}
    folder = write_events(tmp_path / "nli.run", start(100, world_size=1), train(5, 119, **odd))
    with (folder / "events.jsonl").open("a") as stream:
        stream.write('7\n[1]\n"text"\n')
    (folder / "ranks").mkdir()
    (folder / "ranks" / "0000.json").write_text('{"rank": 0')
    run = only(tmp_path)
    assert (run.loss, run.losses, run.mfu, run.memory_gib, run.ages) == (None, {}, None, (), ())
    assert "120/400" in plain_text([run], tmp_path, NOW)


@pytest.mark.parametrize("name", ["read_last_events", "read_first_event", "read_heartbeats"])
def test_folders_that_vanish_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    running(tmp_path / "a.run")
    running(tmp_path / "b.run")
    original = getattr(live, name)

    def vanishing(*arguments: object) -> object:
        shutil.rmtree(tmp_path / "b.run", ignore_errors=True)
        return original(*arguments)

    # Run b has gone before, or while, it is read.
    monkeypatch.setattr(live, name, vanishing)
    monkeypatch.setattr(live, "_run_folders", lambda runs: [runs / "b.run", runs / "a.run"])
    names = [run.name for run in live_runs(tmp_path, NOW)]
    assert "a" in names
    assert ("b" in names) == (name == "read_heartbeats")
    assert [run.name for run in live_runs(tmp_path, NOW)] == ["a"]


def test_newest_first_and_hidden_folders_left_out(tmp_path: Path) -> None:
    for name, ago in (("old", 300.0), ("new", 100.0), ("middle", 200.0)):
        running(tmp_path / "models" / f"{name}.run", ago)
    running(tmp_path / ".hidden" / "x.run")
    running(tmp_path / "models" / "old.run" / "tensorboard")
    names = [run.name for run in live_runs(tmp_path, NOW)]
    assert names == ["models/new", "models/middle", "models/old"]
    assert only(tmp_path / "models" / "new.run").name == "new"


def test_many_ranks_are_summed_up(tmp_path: Path) -> None:
    folder = write_events(
        tmp_path / "nli.run", start(100, world_size=8), train(5, 119, memory_gib=[1.0] * 7 + [2.0])
    )
    for rank in range(7):
        write_beat(folder, rank, float(rank))
    text = plain_text(live_runs(tmp_path, NOW), tmp_path, NOW)
    assert "1.0 to 2.0 (8 ranks)" in text
    assert "0 s to 6 s (8 ranks, 1 without)" in text


def test_names_are_as_short_as_they_can_be() -> None:
    key, other = "0123456789abcdef", "f123456789abcdef"
    assert short_names([f"models/nli-s1-{key}", f"models/nli-s2-{key}"]) == ["nli-s1", "nli-s2"]
    same = [f"models/nli-s1-{key}", f"models/nli-s1-{other}"]
    assert short_names(same) == [f"nli-s1-{key}", f"nli-s1-{other}"]
    assert short_names(["a/x", "b/x"]) == ["a/x", "b/x"]
    assert short_names([]) == []


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        live_runs(tmp_path / "none", NOW)
