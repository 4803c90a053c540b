"""The files of a run: events, and scalars that stand once however often a run was interrupted."""

import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dstilts.core.logs import read_events
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.hooks import StepResult
from dstilts.engine.log_hook import LogHook
from dstilts.engine.monitor import Monitor
from dstilts.engine.train import train_on
from tests.distributed.phases import made_up, phase


def drawn(folder: Path, tag: str) -> list[tuple[int, float]]:
    board = EventAccumulator(str(folder / "tensorboard"))
    board.Reload()
    return [(scalar.step, scalar.value) for scalar in board.Scalars(tag)]


def take(monitor: Monitor, steps: range, value: float) -> None:
    for step in steps:
        monitor.scalars(step, {"loss": value, "losses": {"mnli": value}})


def test_figures_become_one_event_and_a_scalar_each(tmp_path: Path) -> None:
    values = {
        "num_steps": 9,
        "loss": 0.5,
        "losses": {"mnli": 0.25, "pawsx": None},
        "memory_gib": [1.5, 2.5],
        "reason": "a word",
    }
    with Monitor(tmp_path, ProcessGroup(), 0) as monitor:
        monitor.event("start", phase="nli")
        monitor.scalars(3, values)
        monitor.scalars(3, {"loss": 0.75}, event="validated")
    start, train, validated = read_events(tmp_path / "events.jsonl")
    assert (start["event"], start["phase"]) == ("start", "nli")
    assert train == {"time": train["time"], "event": "train", "step": 3, **values}
    assert (validated["event"], validated["loss"]) == ("validated", 0.75)
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert set(board.Tags()["scalars"]) == {
        "train/loss",
        "train/losses/mnli",
        "train/memory_gib/0",
        "train/memory_gib/1",
        "validated/loss",
    }
    assert drawn(tmp_path, "train/memory_gib/1") == [(3, 2.5)]


def test_only_rank_0_writes(tmp_path: Path) -> None:
    with Monitor(tmp_path, ProcessGroup(rank=1, world_size=2), 0) as monitor:
        monitor.event("start")
        monitor.scalars(0, {"loss": 1.0})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kill", ["closed", "killed", "cut off"])
def test_a_resumed_run_draws_every_step_once(tmp_path: Path, kill: str) -> None:
    """Interrupted at step 6 with a resume point before step 4, then before step 5."""
    first = Monitor(tmp_path, ProcessGroup(), 0)
    take(first, range(6), 1.0)
    if kill == "closed":
        first.close()
    if kill == "cut off":
        (file,) = (tmp_path / "tensorboard").iterdir()
        file.write_bytes(file.read_bytes()[:-7])
    second = Monitor(tmp_path, ProcessGroup(), 4)
    take(second, range(4, 8), 2.0)
    with Monitor(tmp_path, ProcessGroup(), 5) as third:
        take(third, range(5, 9), 3.0)
    expected = [(step, 1.0) for step in range(4)] + [(4, 2.0)]
    expected += [(step, 3.0) for step in range(5, 9)]
    assert drawn(tmp_path, "train/loss") == expected
    assert drawn(tmp_path, "train/losses/mnli") == expected


def test_the_clock_of_another_host_was_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for attempt, ahead in enumerate((900.0, 300.0, 1200.0, 0.0)):
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda ahead=ahead: now + ahead)
            with Monitor(tmp_path, ProcessGroup(), 2 * attempt) as monitor:
                take(monitor, range(2 * attempt, 2 * attempt + 4), float(attempt))
    expected = [(step, float(min(step // 2, 3))) for step in range(10)]
    assert drawn(tmp_path, "train/loss") == expected


def test_what_is_logged_is_on_the_disk(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, ProcessGroup(), 0)
    take(monitor, range(3), 1.0)
    # Not closed: a killed run leaves the same.
    assert [step for step, _ in drawn(tmp_path, "train/loss")] == [0, 1, 2]
    assert len(read_events(tmp_path / "events.jsonl")) == 3
    monitor.close()


def test_a_killed_run_draws_every_step_once(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved before step 4, killed when step 6 was logged, then resumed."""
    config = phase(tmp_path / "nli", encoder, "mnli", steps=9, save_every=4)
    original = LogHook.after_step

    def after_step(hook: LogHook, result: StepResult) -> bool:
        original(hook, result)
        if result.step == 6:
            raise KeyboardInterrupt
        return False

    with monkeypatch.context() as patch:
        patch.setattr(LogHook, "after_step", after_step)
        with pytest.raises(KeyboardInterrupt):
            train_on(config, ProcessGroup(), [made_up("mnli")], {})
    train_on(config, ProcessGroup(), [made_up("mnli")], {})
    events = read_events(config.run_folder / "events.jsonl")
    losses = {e["step"]: e["loss"] for e in events if e["event"] == "train"}
    assert len([e for e in events if e["event"] == "train"]) == 7 + 5
    assert drawn(config.run_folder, "train/loss") == [
        (step, pytest.approx(losses[step])) for step in range(9)
    ]
    assert [step for step, _ in drawn(config.run_folder, "train/mfu")] == [*range(9)]
