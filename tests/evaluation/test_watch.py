"""Models are evaluated as they are published; what is wrong with one costs a line."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from dstilts.core.errors import IncompleteError, RunError, UserError
from dstilts.evaluation import watch as rules
from dstilts.evaluation.watch import watch


def publish(folder: Path, written: int) -> Path:
    """A folder with the file that is written last."""
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    os.utime(folder / "manifest.json", (written, written))
    return folder


def test_models_are_found_in_the_order_of_their_time(tmp_path: Path) -> None:
    publish(tmp_path / "models" / "b", 10)
    publish(tmp_path / "models" / "a", 20)
    publish(tmp_path / "models" / ".c.x.tmp", 5)  # being written
    (tmp_path / "models" / "half").mkdir()
    found: list[str] = []

    def evaluate(folder: Path) -> None:
        found.append(folder.name)
        if folder.name == "a":
            publish(tmp_path / "late" / "d", 30)

    assert watch(tmp_path, evaluate, once=True) == 0
    assert found == ["b", "a", "d"]


def test_what_is_wrong_with_a_model_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(("broken", "gone", "partly", "good")):
        publish(tmp_path / name, number)
    found: list[str] = []

    def evaluate(folder: Path) -> None:
        found.append(folder.name)
        match folder.name:
            case "broken":
                raise UserError("differs from the hash", file=folder)
            case "gone":
                shutil.rmtree(folder)
                raise FileNotFoundError(folder)
            case "partly":
                raise IncompleteError("shard 00001 failed three times")

    assert watch(tmp_path, evaluate, once=True) == 3
    assert found == ["broken", "gone", "partly", "good"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "broken is not evaluated: " in lines[0]
    assert "gone is not evaluated: it has vanished" in lines[1]
    assert "failed three times" in lines[2]


def test_what_is_no_models_fault_ends_it(tmp_path: Path) -> None:
    publish(tmp_path / "a", 1)

    def full(folder: Path) -> None:
        raise RunError("the disk is full")

    def broken(folder: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(RunError, match="full"):
        watch(tmp_path, full)
    with pytest.raises(ZeroDivisionError):
        watch(tmp_path, broken)
    with pytest.raises(UserError, match="no such folder"):
        watch(tmp_path / "nowhere", full)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(rules, "_SECONDS", 0.01)
    publish(tmp_path / "a", 1)
    found: list[str] = []

    def evaluate(folder: Path) -> None:
        found.append(folder.name)
        if folder.name == "a":
            publish(tmp_path / "b", 2)
        else:
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 5)  # the signal comes while a model is evaluated

    before = signal.getsignal(signal.SIGTERM)
    assert watch(tmp_path, evaluate) == 0
    assert found == ["a", "b"]
    assert signal.getsignal(signal.SIGTERM) is before
