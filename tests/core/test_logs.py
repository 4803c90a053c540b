"""Log lines, the line that is rewritten on a terminal, and the ends of event files."""

import json
import sys
from pathlib import Path

import pytest

from dstilts.core.logs import (
    duration,
    end_progress,
    log,
    progress,
    read_events,
    read_first_event,
    read_last_events,
)


class Terminal:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """No fixture: pytest puts its own standard error in place after those."""
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")
    return found


def screen(text: str) -> list[str]:
    """The lines that a terminal shows in the end."""
    lines, column = [""], 0
    for part in text.replace("\x1b[2K", "\0"):
        if part == "\n":
            lines.append("")
            column = 0
        elif part == "\r":
            column = 0
        elif part == "\0":
            lines[-1] = ""
        else:
            lines[-1] = lines[-1][:column] + part + lines[-1][column + 1 :]
            column += 1
    return [line[9:] for line in lines]  # without the time of day


def test_progress_is_rewritten_and_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    progress("step 1")
    progress("step 20")
    assert screen(terminal.text) == ["step 20"]
    log("saved")
    progress("step 3, and more than fits on a line")
    assert screen(terminal.text) == ["saved", "step 3, and more tha"]
    end_progress()
    end_progress()
    log("done")
    assert screen(terminal.text) == ["saved", "step 3, and more tha", "done", ""]


def test_in_a_log_progress_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress("step 1")
    progress("step 2")
    end_progress()
    lines = capsys.readouterr().err.splitlines()
    assert [line[9:] for line in lines] == ["step 1", "step 2"]
    assert "\x1b" not in "".join(lines)


def test_a_terminal_that_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    progress("step 1")
    assert "\x1b" not in terminal.text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (89, "1 min"),
        (3569, "59 min"),
        (3599, "1 h 0 min"),
        (4320, "1 h 12 min"),
        (90 * 3600, "3 d 18 h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_end_of_a_file_is_that_of_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events = [{"event": "train", "step": step, "text": "é" * (step % 7)} for step in range(50)]
    path.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events))
    whole = read_events(path)
    assert whole == events
    for size in range(1, path.stat().st_size + 50, 13):
        found = read_last_events(path, size)
        assert found == whole[len(whole) - len(found) :]
        kept = sum(len(json.dumps(e, ensure_ascii=False).encode()) + 1 for e in found)
        following = whole[len(whole) - len(found) - 1] if len(found) < len(whole) else None
        assert kept <= size
        if following:
            assert kept + len(json.dumps(following, ensure_ascii=False).encode()) + 1 > size
    assert read_first_event(path, 1000) == events[0]
    assert read_first_event(path, 5) is None
    path.write_text("")
    assert (read_last_events(path, 10), read_first_event(path, 10)) == ([], None)
