"""What is logged of steps: on one rank, and on two whose shares add up."""

import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing

from dstilts.core.logs import read_events
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.log_hook import LogHook, StepLosses
from dstilts.engine.monitor import Monitor, TrainingError
from dstilts.engine.phase import EngineConfig, PhaseConfig
from tests.distributed.phases import phase
from tests.engine.steps import result

FLOPS = 1e6


def config(folder: Path, log_every: int) -> PhaseConfig:
    plain = phase(folder / "nli", folder, "mnli", "pawsx")
    return dataclasses.replace(plain, engine=EngineConfig(log_every=log_every))


def hook(
    folder: Path, log_every: int = 3, num_steps: int = 7, **options: object
) -> tuple[LogHook, Monitor]:
    monitor = Monitor(folder, ProcessGroup(), 0)
    logs = LogHook(monitor, config(folder, log_every), ProcessGroup(), num_steps, **options)
    return logs, monitor


def train_events(folder: Path) -> list[dict]:
    return [event for event in read_events(folder / "events.jsonl") if event["event"] == "train"]


def test_losses_are_means_since_the_last_event(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs, monitor = hook(tmp_path, flops=lambda work: FLOPS, peak=1e12)
    with monitor:
        for step in range(7):
            # Steps of both tasks in turn; pawsx has no part in the last two.
            shares = (None, 8.0) if step % 2 and step < 5 else (float(step), None)
            norm = 0.5 if logs.wants_gradient_norm(step) else None
            assert logs.after_step(result(step, shares, norm=norm)) is False
    one, two, three = train_events(tmp_path)
    assert [event["step"] for event in (one, two, three)] == [2, 5, 6]
    assert one["losses"] == {"mnli": 1.0, "pawsx": 8.0}
    assert one["loss"] == pytest.approx(10 / 3)
    assert two["losses"] == {"pawsx": 8.0, "mnli": 4.5}
    assert three["losses"] == {"mnli": 6.0}
    assert set(one) == {
        *("time", "event", "step", "num_steps", "loss", "losses", "learning_rate"),
        *("gradient_norm", "tokens_per_second", "padding_share", "mfu", "step_seconds"),
        *("memory_gib", "eta_seconds"),
    }
    assert (one["num_steps"], one["learning_rate"], one["gradient_norm"]) == (7, 1e-3, 0.5)
    assert one["padding_share"] == pytest.approx(1 - 30 / 38)
    assert one["mfu"] == pytest.approx(FLOPS / 1e12 / 10 * one["tokens_per_second"])
    assert one["memory_gib"][0] > 0.05
    assert one["eta_seconds"] > 0
    assert three["eta_seconds"] == 0
    times = one["step_seconds"]
    assert 0 < times["p50"] <= times["p90"] <= times["p99"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "nli: step 3/7, loss 3.3333 (mnli 1.00, pawsx 8.00), " in lines[0]
    assert " tokens/s, MFU " in lines[0]
    assert "nli: step 7/7, loss 6.0000, " in lines[2]
    assert lines[0].endswith(" %, 0 s left")
    assert lines[2].endswith(" %, done")


def test_without_a_peak_there_is_no_share_of_it(tmp_path: Path) -> None:
    logs, monitor = hook(tmp_path, log_every=1)
    with monitor:
        logs.after_step(result(0, (1.0, 1.0)))
    (event,) = train_events(tmp_path)
    assert "mfu" not in event
    assert "gradient_norm" not in event


def test_the_device_is_not_read_between_two_events(tmp_path: Path) -> None:
    """Tensors without values: reading one raises."""
    logs, monitor = hook(tmp_path, log_every=4, num_steps=100)
    with monitor:
        for step in range(3):
            logs.after_step(result(step, (1.0, 2.0), device="meta"))
        with pytest.raises((RuntimeError, NotImplementedError)):
            logs.after_step(result(3, (1.0, 2.0), device="meta"))


def test_flush_logs_what_there_is_once(tmp_path: Path) -> None:
    logs, monitor = hook(tmp_path, log_every=10, num_steps=100)
    with monitor:
        logs.flush()
        logs.after_step(result(0, (1.0, None)))
        logs.after_step(result(1, (3.0, None)))
        logs.flush()
        logs.flush()
        logs.after_step(result(2, (5.0, None)))
        logs.at_end()
        logs.event("validated", step=2, loss=0.25)
    *train, validated = read_events(tmp_path / "events.jsonl")
    assert [(event["step"], event["loss"]) for event in train] == [(1, 2.0), (2, 5.0)]
    assert (validated["event"], validated["step"], validated["loss"]) == ("validated", 2, 0.25)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number(tmp_path: Path, bad: float) -> None:
    logs, monitor = hook(tmp_path)
    with monitor:
        logs.after_step(result(0, (1.0, None)))
        logs.after_step(result(1, (bad, None)))
        with pytest.raises(
            TrainingError, match=r"is (nan|inf) at step 2 of 7: lower sched.*0\.001"
        ):
            logs.after_step(result(2, (1.0, None)))
    (event,) = read_events(tmp_path / "events.jsonl")
    assert (event["event"], event["step"]) == ("stopped", 1)


def test_a_check_sees_every_step_and_decides(tmp_path: Path) -> None:
    seen: list[StepLosses] = []

    def check(steps: Sequence[StepLosses]) -> None:
        seen.extend(steps)
        if any(one.loss == 13.0 for one in steps):
            raise KeyError("unlucky")

    logs, monitor = hook(tmp_path, log_every=2, check=check)
    with monitor:
        logs.after_step(result(0, (1.0, None)))
        logs.after_step(result(1, (math.nan, 2.0), norm=math.inf))
        logs.after_step(result(2, (0.0, 2.0), loss=4.0))
        with pytest.raises(KeyError):
            logs.after_step(result(3, (13.0, None)))
    assert [(one.step, one.by_task[1]) for one in seen] == [
        (0, None),
        (1, 2.0),
        (2, 2.0),
        (3, None),
    ]
    assert seen[2] == StepLosses(2, 4.0, (0.0, 2.0))
    (event,) = train_events(tmp_path)
    # JSON has no such numbers.
    assert event["loss"] is event["losses"]["mnli"] is event["gradient_norm"] is None
    assert event["losses"]["pawsx"] == 2.0


class Terminal:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    logs, monitor = hook(tmp_path, log_every=1, num_steps=3)
    with monitor:
        for step in range(3):
            logs.after_step(result(step, (1.0, None)))
    # The last line alone ends with a line feed.
    assert terminal.text.count("\n") == 1
    assert terminal.text.count("\r\x1b[2K") == 3
    assert "step 3/3" in terminal.text.splitlines()[-1]


def two_ranks(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(str(folder / "store"), 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    group = ProcessGroup(rank=rank, world_size=2, local_rank=rank)
    calls = []
    original = dist.all_gather

    def counting(*arguments: object) -> object:
        calls.append(arguments)
        return original(*arguments)

    dist.all_gather = counting
    for name in ("all_reduce", "broadcast", "all_gather_object", "barrier"):
        setattr(dist, name, None)  # a call would fail
    seen: list[StepLosses] = []
    with Monitor(folder / "run", group, 0) as monitor:
        logs = LogHook(
            *(monitor, config(folder, 2), group, 4),
            **{"flops": lambda work: FLOPS, "peak": FLOPS / 2, "check": seen.extend},
        )
        for step in range(4):
            share = 1.0 if rank else 10.0
            shares = (share, None) if step % 2 else (share, 2 * share)
            logs.after_step(result(step, shares, loss=math.nan if step == 3 and rank else None))
            assert len(calls) == (step + 1) // 2
    assert [one.loss for one in seen[:3]] == [33.0, 11.0, 33.0]
    assert math.isnan(seen[3].loss)
    assert seen[3].by_task == (11.0, None)
    dist.destroy_process_group()


@pytest.mark.distributed
def test_shares_of_two_ranks_add_up_in_one_collective(tmp_path: Path) -> None:
    """A NaN on rank 1 alone is seen by both, with the same numbers."""
    multiprocessing.spawn(two_ranks, (tmp_path,), nprocs=2)
    one, two = train_events(tmp_path / "run")
    assert one["losses"] == {"mnli": 11.0, "pawsx": 22.0}
    assert one["loss"] == pytest.approx((33 + 11) / 2)
    assert len(one["memory_gib"]) == 2
    assert one["mfu"] == pytest.approx(one["tokens_per_second"] / (20 + 10) * 2, rel=1e-6)
    assert two["loss"] is None
