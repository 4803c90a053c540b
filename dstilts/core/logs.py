"""What a run says: log lines for people, JSONL events for programs."""

import json
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO


def log(message: str, *, stream: TextIO | None = None) -> None:
    """One line with the time of day, on standard error, at once."""
    print(f"{time.strftime('%H:%M:%S')} {message}", file=stream or sys.stderr, flush=True)


class EventLog:
    """An append-only JSONL file: one event a line, with the time and the event's name.

    A process killed while writing leaves at most a line without its end; `read_events` skips it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        cut_off = path.exists() and path.stat().st_size > 0 and not _ends_with_newline(path)
        self._stream = path.open("a", encoding="utf-8")
        if cut_off:
            self._stream.write("\n")

    def write(self, event: str, **values: object) -> None:
        """Appends one event and flushes it."""
        line = {"time": round(time.time(), 3), "event": event, **values}
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read_events(path: Path) -> list[dict[str, object]]:
    """All whole events of a JSONL file, in order; a line cut off by a kill is left out."""
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return events


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read(1) == b"\n"
