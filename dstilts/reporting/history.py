"""What the events of one training run say: time, tokens, device-hours, and its learning curve."""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.logs import read_events

Point = tuple[int, float]  # step, from 1; loss
Event = Mapping[str, object]


@dataclass(frozen=True)
class History:
    """All starts of a run together.

    Attributes:
        tokens: without padding; steps repeated after an interruption count again.
        seconds: in the loop.
        hours: of `unit`: seconds times what was held for them, in hours.
        unit: "core-hours", "GPU-hours", or "rank-hours" where the run does not say what it ran on.
        points: the losses that stand: what was taken back after an interruption is left out.
        num_steps: that the run was to take.
    """

    tokens: float
    seconds: float
    hours: float
    unit: str
    points: tuple[Point, ...]
    num_steps: int | None


def read_history(file: Path) -> History | None:
    """The history in a run's events; None without the file or without a step in it."""
    return history(read_events(file)) if file.is_file() else None


def history(events: Iterable[Event]) -> History | None:
    """The history of events in their order; None where no step was logged.

    Each "train" event gives the speed since the one before it, or since the start.
    """
    tokens = seconds = held_seconds = 0.0
    losses: dict[int, float] = {}
    since: float | None = None
    held, unit, num_steps = 1.0, "rank-hours", None
    for event in events:
        moment = _number(event, "time")
        if event.get("event") == "start":
            since = moment
            held, unit = held_by(event, "world_size")
            first = _number(event, "first_step")
            losses = {step: loss for step, loss in losses.items() if step <= first}
            num_steps = round(_number(event, "num_steps")) or None
        elif event.get("event") == "train" and since is not None:
            tokens += _number(event, "tokens_per_second") * (moment - since)
            seconds += moment - since
            held_seconds += held * (moment - since)
            since = moment
            loss = event.get("loss")
            if isinstance(loss, int | float) and math.isfinite(loss):
                losses[round(_number(event, "step")) + 1] = loss
    if not seconds:
        return None
    points = tuple(sorted(losses.items()))
    return History(tokens, seconds, held_seconds / 3600, unit, points, num_steps)


def held_by(event: Event, workers: str) -> tuple[float, str]:
    """How many cores or GPUs work holds of which an event tells, and the unit of its hours.

    Args:
        workers: the field with the number of processes; each has a GPU, or `threads` cores.
    """
    number, device = _number(event, workers) or 1.0, event.get("device")
    if device is None:
        return number, "rank-hours"
    if device == "cpu":
        return number * (_number(event, "threads") or 1.0), "core-hours"
    return number, "GPU-hours"


def thinned(points: tuple[Point, ...], most: int) -> tuple[Point, ...]:
    """At most `most` points: neighbours are averaged, losses and steps alike."""
    if len(points) <= most:
        return points
    edges = [round(index * len(points) / most) for index in range(most + 1)]
    groups = [points[low:high] for low, high in itertools.pairwise(edges)]
    return tuple(
        (round(sum(s for s, _ in group) / len(group)), sum(v for _, v in group) / len(group))
        for group in groups
    )


def _number(event: Event, name: str) -> float:
    value = event.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
