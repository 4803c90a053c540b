"""What each rank says of itself every few seconds: where it is and in which collective it waits."""

import dataclasses
import json
import os
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

_COLLECTIVES = ("/torch/distributed/distributed_c10d.py", "/deepspeed/comm/")
# Where stage 3 waits for parameters that it began to fetch earlier.
_FETCHING = ("/deepspeed/runtime/zero/partition_parameters.py", "wait")
_OURS = "/dstilts/"


@dataclass(frozen=True)
class Heartbeat:
    """One rank at one time; times are in seconds since 1970, by the clock of the rank's host."""

    rank: int
    host: str
    pid: int
    every: float  # seconds between two of them
    time: float
    step: int
    place: str  # what the rank is doing
    since: float  # when it came to that place
    collective: str | None  # the function it waits in, if any
    code: str | None  # the innermost function of dstilts: "engine/saving.py: save"
    memory_gib: float | None  # resident memory
    free_gib: float | None  # what the host had left
    memory_kills: int | None  # processes that the host has killed for want of memory
    error: str | None = None  # what has ended the rank


def heartbeat_file(run_folder: Path, rank: int) -> Path:
    """Where a rank of a run writes its heartbeat."""
    return run_folder / "ranks" / f"{rank:04d}.json"


def write_heartbeat(run_folder: Path, beat: Heartbeat) -> None:
    """Replaces the rank's last heartbeat; not synced, for after a crash of the host it is nothing.

    Raises:
        OSError: the disk is full, say.
    """
    file = heartbeat_file(run_folder, beat.rank)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_text(json.dumps(dataclasses.asdict(beat), ensure_ascii=False) + "\n")
    os.replace(temporary, file)


def read_heartbeats(run_folder: Path, world_size: int) -> list[Heartbeat | None]:
    """The last heartbeat of every rank; None where there is none that can be read."""
    return [_read(heartbeat_file(run_folder, rank)) for rank in range(world_size)]


def position(first_thread: int) -> tuple[str | None, str | None]:
    """The innermost collective and the innermost function of dstilts that this process is in.

    Looked for in `first_thread`, then in the others but the one that asks: with CUDA a thread of
    its own runs the backward pass and the collectives in it.
    """
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    first = frames.pop(first_thread, None)
    stacks = [_stack(frame) for frame in (first, *frames.values()) if frame is not None]
    collective = next(filter(None, map(_collective, stacks)), None)
    return collective, _own_code(stacks[0]) if stacks and first is not None else None


def _read(file: Path) -> Heartbeat | None:
    try:
        table = json.loads(file.read_text())
        return Heartbeat(**{f.name: table[f.name] for f in dataclasses.fields(Heartbeat)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stack(frame: FrameType) -> list[tuple[str, str]]:
    """File and function of all frames, the innermost first."""
    found = []
    current: FrameType | None = frame
    while current is not None:
        found.append((current.f_code.co_filename, current.f_code.co_name))
        current = current.f_back
    return found


def _collective(stack: Iterable[tuple[str, str]]) -> str | None:
    """The function of torch or DeepSpeed that was called to communicate."""
    for file, function in stack:
        if any(part in file for part in _COLLECTIVES) and not function.startswith("_"):
            return function
        if file.endswith(_FETCHING[0]) and function == _FETCHING[1]:
            return "all_gather"
    return None


def _own_code(stack: Iterable[tuple[str, str]]) -> str | None:
    for file, function in stack:
        if _OURS in file and not file.endswith(("engine/watchdog.py", "engine/heartbeat.py")):
            return f"{file.rpartition(_OURS)[2]}: {function}"
    return None
