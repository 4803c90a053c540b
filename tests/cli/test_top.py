"""`dstilts top`: once, again and again, on a terminal until Ctrl-C, and its mistakes."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from dstilts.cli import top
from dstilts.cli.parser import Parser
from dstilts.core.errors import UserError
from tests.reporting.live_runs import start, train, write_events

COMMAND = [sys.executable, "-c", "import sys; from tests.cli.test_top import main; main(sys.argv)"]


def main(arguments: list[str]) -> None:
    """What the command line does with `top`."""
    parser = Parser(prog="dstilts")
    top.add(parser.add_subparsers())
    options = vars(parser.parse_args(arguments[1:]))
    options.pop("handler")(**options)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write_events(tmp_path / "models" / "nli.run", start(100), train(5, 119))
    (tmp_path / "models" / "nli").mkdir()
    (tmp_path / "models" / "nli" / "manifest.json").touch()
    return tmp_path


def test_once(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--once"], [], ["--once", "--every", "5"]):
        main(["dstilts", "top", str(runs), *arguments])
        title, _, row = capsys.readouterr().out.splitlines()
        assert title.endswith(": 1 finished")
        assert row.startswith("nli  finished  120/400  0.6931 ")
        assert "\x1b" not in row


def test_again_and_again_where_it_was_asked_for(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    main(["dstilts", "top", str(runs), "--every", "7"])
    assert capsys.readouterr().out.count("120/400") == 3
    assert waited == [7, 7, 7]


def test_mistakes(runs: Path) -> None:
    with pytest.raises(UserError, match="no such folder; give the folder"):
        main(["dstilts", "top", str(runs / "none")])
    with pytest.raises(UserError, match="'0' is no number above 0"):
        main(["dstilts", "top", str(runs), "--every", "0"])


def test_ctrl_c_leaves_a_terminal_quietly(runs: Path) -> None:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, "top", str(runs), "--every", "1"],
        stdout=follower,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm"},
        cwd=Path(__file__).parents[2],
    )
    os.close(follower)
    shown = b""
    while shown.count(b"120/400") < 2:
        shown += os.read(leader, 65536)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")
    os.close(leader)
