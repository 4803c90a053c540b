"""What a run says: log lines for people, JSONL events for programs."""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

_CLEAR_LINE = "\r\x1b[2K"


class _Terminal:
    """Whether a progress line stands where the next line goes."""

    has_progress = False


def log(message: str, *, stream: TextIO | None = None) -> None:
    """One line with the time of day, on standard error, at once."""
    clear = ""
    if stream is None and _Terminal.has_progress:
        clear, _Terminal.has_progress = _CLEAR_LINE, False
    print(f"{clear}{_now()} {message}", file=stream or sys.stderr, flush=True)


def progress(message: str) -> None:
    """A line that the next one takes the place of; where there is no terminal, a line as any."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        log(message)
        return
    # A line that wraps could not be taken back. The cursor goes back to the start, so that another
    # process's line does not begin at the end of this one.
    line = f"{_now()} {message}"[: shutil.get_terminal_size().columns - 1]
    print(f"{_CLEAR_LINE}{line}\r", end="", file=sys.stderr, flush=True)
    _Terminal.has_progress = True


def end_progress() -> None:
    """Leaves the last progress line standing."""
    if _Terminal.has_progress:
        print(file=sys.stderr, flush=True)
    _Terminal.has_progress = False


def duration(seconds: float) -> str:
    """A time span in one or two units: "45 s", "12 min", "1 h 12 min", "3 d 4 h"."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    if hours < 48:
        return f"{hours} h {minutes % 60} min"
    return f"{hours // 24} d {hours % 24} h"


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
    return _whole(path.read_text(encoding="utf-8").splitlines())


def read_last_events(path: Path, size: int) -> list[dict[str, object]]:
    """The whole events in the last `size` bytes of a JSONL file, however long it is.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        begin = max(0, stream.seek(0, os.SEEK_END) - size)
        # From one byte before: a line that starts exactly there is whole.
        stream.seek(max(0, begin - 1))
        lines = stream.read(size + 1).split(b"\n")
    return _whole(lines[1:] if begin else lines)


def read_first_event(path: Path, size: int) -> dict[str, object] | None:
    """The first event of a JSONL file, if it is whole within `size` bytes.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        first = _whole([stream.readline(size)])
    return first[0] if first else None


def _whole(lines: Iterable[str | bytes]) -> list[dict[str, object]]:
    events = []
    for line in lines:
        try:
            event = json.loads(line)
        except (json.JSONDecodeError, UnicodeDecodeError):
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def _now() -> str:
    return time.strftime("%H:%M:%S")


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read(1) == b"\n"
