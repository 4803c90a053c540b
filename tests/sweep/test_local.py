"""The local executor: failures of the ranks reach the driver; a stop leaves no process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.sweep import local
from dstilts.sweep.state import driver_lock


def run(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs `program` in the launcher's place; returns what was kept in the log."""
    log = tmp_path / "logs" / "train.log"
    monkeypatch.setattr(local, "_launcher", lambda ranks: [sys.executable, "-c", program])
    with driver_lock(tmp_path) as lock:
        local.train_locally([Path("a.toml")], log, ranks=1, lock=lock)
    return log.read_text()


def test_our_lines_are_passed_on_and_all_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = run("print('[INFO] noise'); print('12:00:00 step 1')", tmp_path, monkeypatch)
    assert "[INFO] noise" in kept
    assert "12:00:00 step 1" in kept
    assert capsys.readouterr().err == "12:00:00 step 1\n"


def test_a_mistake_of_the_user_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; print('dstilts: bad.tsv:3: wrong'); sys.exit(2)"
    with pytest.raises(UserError, match=r"^bad\.tsv:3: wrong$"):
        run(program, tmp_path, monkeypatch)


def test_another_failure_names_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(local.LaunchError, match=r"exit code 7.*train\.log"):
        run("raise SystemExit(7)", tmp_path, monkeypatch)


def test_a_stop_reaches_every_process_of_the_launch(tmp_path: Path) -> None:
    # The launcher's child ignores nothing; both must be gone once the driver has ended.
    child = "import subprocess,sys,time; p=subprocess.Popen(['sleep','60']); "
    child += "print('00:00:00 child', p.pid, flush=True); p.wait()"
    program = (
        "import sys\nfrom pathlib import Path\nfrom dstilts.sweep import local\n"
        "from dstilts.sweep.state import driver_lock\n"
        f"local._launcher = lambda ranks: [sys.executable, '-c', {child!r}]\n"
        f"root = Path({str(tmp_path)!r})\n"
        "with driver_lock(root) as lock:\n"
        "    local.train_locally([Path('a')], root / 'log', ranks=1, lock=lock)\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    assert driver.stderr is not None
    pid = int(driver.stderr.readline().split()[-1])
    driver.send_signal(signal.SIGTERM)
    assert driver.wait(timeout=30) != 0
    deadline = time.monotonic() + 5
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"
