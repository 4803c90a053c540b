"""What the runs below a folder do now: the ends of their events, and their heartbeats."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dstilts.core.errors import UserError
from dstilts.core.files import read_json
from dstilts.core.logs import read_first_event, read_last_events
from dstilts.engine.diagnosis import diagnose, ended
from dstilts.engine.heartbeat import Heartbeat, read_heartbeats
from dstilts.engine.watchdog import HANG_FILE

State = Literal["starting", "running", "stopped", "finished", "failed", "stalled"]
Event = Mapping[str, object]

EVENTS_FILE = "events.jsonl"
_READ = 64 << 10  # bytes of a file's end, and of its first line
_SILENT = 60.0  # seconds without a heartbeat, or without progress
_SELDOM = 10  # intervals between two events after which a run without heartbeats counts as silent
_WORKING = frozenset({"forward", "backward", "optimizer step"})


@dataclass(frozen=True)
class LiveRun:
    """One run as it is at a time.

    Attributes:
        note: why it is in its state, or what it does beside taking steps.
        started: when it was last started, in seconds since 1970.
        num_taken: steps.
        ages: seconds since each rank's last heartbeat; None for a rank without one. Empty where the
            run writes none.
    """

    name: str
    state: State
    note: str
    started: float
    num_taken: int | None
    num_steps: int | None
    loss: float | None
    losses: Mapping[str, float]
    tokens_per_second: float | None
    mfu: float | None
    memory_gib: tuple[float, ...]
    seconds_left: float | None
    ages: tuple[float | None, ...]


def live_runs(runs: Path, now: float) -> list[LiveRun]:
    """All runs below a folder, newest first; one that vanishes meanwhile is left out.

    Args:
        now: seconds since 1970.

    Raises:
        UserError: no such folder.
    """
    if not runs.is_dir():
        raise UserError("no such folder", file=runs, remedy="give the folder of a run or of many")
    found = [_read_run(folder, runs, now) for folder in _run_folders(runs)]
    return sorted(filter(None, found), key=lambda run: (-run.started, run.name))


def _run_folders(runs: Path) -> Iterator[Path]:
    """Folders with events; what is below them, and hidden folders, are not looked through."""
    for folder, below, files in os.walk(runs):
        if EVENTS_FILE in files:
            below.clear()
            yield Path(folder)
        else:
            below[:] = [name for name in below if not name.startswith(".")]


def _read_run(folder: Path, runs: Path, now: float) -> LiveRun | None:
    try:
        events: list[Event] = [*read_last_events(folder / EVENTS_FILE, _READ)]
        first = read_first_event(folder / EVENTS_FILE, _READ)
    except OSError:
        return None
    if not events:
        return None
    start = _last(events, "start") or first or {}
    begin = _number(start, "time") or 0.0
    train = _last(events, "train") or {}
    if (_number(train, "time") or 0.0) < begin:
        train = {}  # of the attempt before
    beats = _heartbeats(folder, _world_size(events, start, train), begin)
    state, note = _state(folder, events, beats, now)
    step, memory = _number(train, "step"), train.get("memory_gib")
    return LiveRun(
        name=_name(folder, runs),
        state=state,
        note=note,
        started=begin,
        num_taken=_whole(_number(start, "first_step") if step is None else step + 1),
        num_steps=_whole(_number(train, "num_steps") or _number(start, "num_steps")),
        loss=_number(train, "loss"),
        losses=_losses(train),
        tokens_per_second=_number(train, "tokens_per_second"),
        mfu=_number(train, "mfu"),
        memory_gib=tuple(filter(_is_number, memory)) if isinstance(memory, list) else (),
        seconds_left=_seconds_left(train, now) if state == "running" else None,
        ages=tuple(now - beat.time if beat else None for beat in beats) if any(beats) else (),
    )


def _name(folder: Path, runs: Path) -> str:
    """The run's place below the folder of runs, without what every run's name has."""
    if folder == runs:
        return folder.resolve().name.removesuffix(".run")
    return folder.relative_to(runs).as_posix().removesuffix(".run")


def _world_size(events: Sequence[Event], start: Event, train: Event) -> int:
    memory = train.get("memory_gib")
    if start not in events and isinstance(memory, list):
        # The start that was read is the first of all; the last one may have had other ranks.
        return len(memory)
    return int(_number(start, "world_size") or 0)


def _heartbeats(folder: Path, world_size: int, begin: float) -> list[Heartbeat | None]:
    """Of every rank, those of an earlier attempt left out."""
    beats = read_heartbeats(folder, world_size)
    # The watchdog may write before the event; a clock of another host may be behind.
    return [beat if beat and beat.time > begin - _SILENT else None for beat in beats]


def _state(
    folder: Path, events: Sequence[Event], beats: Sequence[Heartbeat | None], now: float
) -> tuple[State, str]:
    if (folder.with_name(folder.name.removesuffix(".run")) / "manifest.json").is_file():
        return "finished", ""
    last = events[-1]
    if last.get("event") == "stopped":
        return "stopped", str(last.get("reason", ""))
    if hang := _hang(folder):
        return "failed", hang
    is_starting = last.get("event") == "start"
    if not any(beats):
        age = now - (_number(last, "time") or now)
        if age > max(_SILENT, _SELDOM * _interval(events)):
            return "stalled", "no event for a long time"
        return ("starting" if is_starting else "running"), ""
    if fault := _fault(beats, now):
        # What was told to stop saves last of all.
        return ("stopped", "saved") if last.get("event") == "saved" else ("failed", fault)
    present = [beat for beat in beats if beat]
    if is_starting or any(beat.place == "starting" for beat in present):
        return "starting", ""
    if now - max(beat.since for beat in present) > _SILENT:
        return "stalled", diagnose(beats, now, _SILENT)
    places = sorted({beat.place for beat in present} - _WORKING)
    return "running", ", ".join(places)


def _hang(folder: Path) -> str:
    """Why a run ended that hung, if it did: the watchdog's last word."""
    try:
        return str(read_json(folder / HANG_FILE)["reason"])
    except (UserError, KeyError, TypeError):
        return ""


def _fault(beats: Sequence[Heartbeat | None], now: float) -> str:
    """Which rank has ended or fallen silent; empty where all is well."""
    present = [beat for beat in beats if beat]
    if not any(beat.error or now - beat.time > 3 * beat.every for beat in present):
        return ""
    if found := ended(beats):
        return found
    silent = any(now - beat.time > _SILENT for beat in present)
    return diagnose(beats, now, _SILENT) if silent else ""


def _interval(events: Sequence[Event]) -> float:
    """Seconds between two "train" events; while there are none, a guess at how long a start is."""
    times = [t for e in events if e.get("event") == "train" and (t := _number(e, "time"))]
    return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else _SILENT


def _losses(train: Event) -> dict[str, float]:
    losses = train.get("losses")
    table = losses if isinstance(losses, dict) else {}
    return {str(name): value for name, value in table.items() if _is_number(value)}


def _seconds_left(train: Event, now: float) -> float | None:
    left, then = _number(train, "eta_seconds"), _number(train, "time")
    return None if left is None or then is None else max(0.0, left - (now - then))


def _last(events: Sequence[Event], name: str) -> Event | None:
    return next((event for event in reversed(events) if event.get("event") == name), None)


def _number(event: Event, name: str) -> float | None:
    value = event.get(name)
    return float(value) if isinstance(value, int | float) else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
