"""A node is held by one process, as long as that lives, and by nobody after that."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dstilts.sweep.claims import Claims

HOLD = """
import pathlib, sys, time
from dstilts.sweep.claims import Claims
claim = Claims(pathlib.Path(sys.argv[1])).take("k")
print(claim is not None, flush=True)
time.sleep(60)
"""

RACE = """
import pathlib, sys
from dstilts.sweep.claims import Claims
claims, log = Claims(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2])
sys.stdin.readline()
for number in range(300):
    while True:
        claim = claims.take("one")
        if claim is not None:
            break
    inside = pathlib.Path(sys.argv[1]) / "inside"
    inside.mkdir()  # fails if two are inside
    inside.rmdir()
    claim.release()
print("fine")
"""


def holder(runs: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(runs)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_one_at_a_time(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    claim = claims.take("a")
    assert claim is not None
    assert claim.lost is None
    assert claims.take("a") is None
    assert [(key, found.pid) for key, found in claims.held()] == [("a", os.getpid())]
    other = claims.take("b")
    assert other is not None
    claim.release()
    other.release()
    assert list(claims.held()) == []
    assert list((tmp_path / "claims").iterdir()) == []


def test_a_killed_holder_lets_go_and_is_named(tmp_path: Path) -> None:
    process = holder(tmp_path)
    claims = Claims(tmp_path)
    assert claims.take("k") is None
    assert claims.left_behind() == []
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(claims.held()) == []
    assert claims.left_behind() == ["k"]
    claim = claims.take("k")
    assert claim is not None
    assert claim.lost is not None
    assert claim.lost.pid == process.pid
    claim.release()
    assert claims.left_behind() == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": "x"}'])
def test_a_file_cut_off_by_a_crash_is_nobodys(tmp_path: Path, text: str) -> None:
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "k").write_text(text)
    claim = Claims(tmp_path).take("k")
    assert claim is not None
    assert claim.lost is None
    claim.release()


def test_four_processes_are_never_inside_together(tmp_path: Path) -> None:
    # A holder removes its file while others open it: each must notice that the file is gone.
    command = [sys.executable, "-c", RACE, str(tmp_path), str(tmp_path / "log")]
    racers = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    for racer in racers:
        out, err = racer.communicate(timeout=120)
        assert out == "fine\n", err
