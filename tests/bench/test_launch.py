"""Starting a side: its environment, and how it ends."""

import sys
import time
from pathlib import Path

import pytest

from dstilts.bench.launch import environment, launch
from dstilts.core.errors import RunError, UserError


def start(module: str, log: Path, timeout: float = 60) -> None:
    launch(module, [], launcher="torchrun", ranks=1, threads=1, log=log, timeout=timeout)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "a_side.py"


def test_a_foreign_launcher_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "8")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4,5")
    found = environment(1, 2)
    assert "WORLD_SIZE" not in found
    assert (found["OMP_NUM_THREADS"], found["CUDA_VISIBLE_DEVICES"]) == ("2", "3")
    assert environment(2, 1)["CUDA_VISIBLE_DEVICES"] == "3,4,5"


def test_output_goes_to_the_log(module: Path, tmp_path: Path) -> None:
    module.write_text("import os; print('threads', os.environ['OMP_NUM_THREADS'])")
    start("a_side", tmp_path / "log.txt")
    assert "threads 1" in (tmp_path / "log.txt").read_text()


def test_a_mistake_of_the_user_is_passed_on(module: Path, tmp_path: Path) -> None:
    module.write_text("import sys; print('dstilts: no such thing', file=sys.stderr); sys.exit(2)")
    with pytest.raises(UserError, match=r"^no such thing$"):
        start("a_side", tmp_path / "log.txt")


def test_a_failure_shows_the_end_of_the_log(
    module: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module.write_text("raise ValueError('it broke')")
    with pytest.raises(RunError, match="exit code 1"):
        start("a_side", tmp_path / "log.txt")
    assert "it broke" in capsys.readouterr().err


def test_a_side_that_hangs_is_ended_with_its_children(module: Path, tmp_path: Path) -> None:
    late = tmp_path / "late"
    child = f"import time; time.sleep(4); open({str(late)!r}, 'w')"
    module.write_text(
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "time.sleep(100)\n"
    )
    with pytest.raises(RunError, match="not done after 2 seconds"):
        start("a_side", tmp_path / "log.txt", timeout=2)
    time.sleep(4)
    assert not late.exists()


def test_the_interpreter_is_this_one(module: Path, tmp_path: Path) -> None:
    module.write_text("import sys; print(sys.executable)")
    start("a_side", tmp_path / "log.txt")
    assert (tmp_path / "log.txt").read_text().strip() == sys.executable
