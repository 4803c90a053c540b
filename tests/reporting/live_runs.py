"""Made-up run folders in every state, for tests of the live view."""

import json
import os
import socket
from pathlib import Path
from typing import Any

NOW = 1_700_000_000.0


def write_events(folder: Path, *events: dict[str, Any], end: str = "") -> Path:
    """Writes events whose "ago" is in seconds before NOW; `end` follows without a line's end."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({"time": NOW - event.pop("ago"), **event}) + "\n"
        for event in [dict(event) for event in events]
    ]
    (folder / "events.jsonl").write_text("".join(lines) + end)
    return folder


def start(ago: float, **values: Any) -> dict[str, Any]:
    facts = {"phase": "nli", "first_step": 0, "num_steps": 400, "world_size": 2}
    return {"ago": ago, "event": "start", **facts, **values}


def train(ago: float, step: int, **values: Any) -> dict[str, Any]:
    figures = {
        "num_steps": 400,
        "loss": 0.6931,
        "losses": {"mnli": 0.7, "squad": 2.1},
        "tokens_per_second": 5230.4,
        "mfu": 0.412,
        "memory_gib": [1.25, 1.5],
        "eta_seconds": 4320.0,
    }
    return {"ago": ago, "event": "train", "step": step, **figures, **values}


def write_beat(folder: Path, rank: int, ago: float, **values: Any) -> None:
    """A heartbeat of a process that runs: this one."""
    beat = {
        "rank": rank,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "every": 5.0,
        "time": NOW - ago,
        "step": 120,
        "place": "forward",
        "since": NOW - ago - 0.1,
        "collective": None,
        "code": None,
        "memory_gib": 1.0,
        "free_gib": 9.0,
        "memory_kills": None,
        "error": None,
        **values,
    }
    (folder / "ranks").mkdir(parents=True, exist_ok=True)
    (folder / "ranks" / f"{rank:04d}.json").write_text(json.dumps(beat))


def running(folder: Path, ago: float = 100.0, ages: tuple[float, ...] = (1.0, 2.0)) -> Path:
    """A run that was started `ago`, with its last event 5 seconds ago."""
    write_events(folder, start(ago), train(15, 109), train(5, 119))
    for rank, age in enumerate(ages):
        write_beat(folder, rank, age)
    return folder
