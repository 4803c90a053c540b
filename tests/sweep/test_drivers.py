"""Who drives a folder is known as long as it lives."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from dstilts.sweep.drivers import driver_file, drivers, stop_drivers

DRIVE = """
import pathlib, sys, time
from dstilts.sweep.drivers import driver_file
with driver_file(pathlib.Path(sys.argv[1]), "grid"):
    print("ready", flush=True)
    time.sleep(60)
"""


def drive(runs: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVE, str(runs)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_this_one(tmp_path: Path) -> None:
    with driver_file(tmp_path, "grid"):
        (found,) = drivers(tmp_path)
        assert (found.pid, found.grid) == (os.getpid(), "grid")
    assert drivers(tmp_path) == []


def test_a_killed_driver_is_forgotten(tmp_path: Path) -> None:
    process = drive(tmp_path)
    assert [found.pid for found in drivers(tmp_path)] == [process.pid]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert drivers(tmp_path) == []
    assert list((tmp_path / "drivers").iterdir()) == []


def test_drivers_are_told_to_stop(tmp_path: Path) -> None:
    one, other = drive(tmp_path), drive(tmp_path)
    ended, left = stop_drivers(tmp_path, seconds=30)
    assert {found.pid for found in ended} == {one.pid, other.pid}
    assert left == []
    assert one.wait() == other.wait() == -signal.SIGTERM
    assert stop_drivers(tmp_path, seconds=1) == ([], [])


def test_one_on_another_machine_is_named_and_not_waited_for(tmp_path: Path) -> None:
    process = drive(tmp_path)
    (file,) = (tmp_path / "drivers").iterdir()
    text = file.read_text()
    with file.open("r+") as held:  # the same file, so that its lock stays
        held.write(text.replace(f'"host": "{socket.gethostname()}"', '"host": "elsewhere"'))
        held.truncate()
    ended, left = stop_drivers(tmp_path, seconds=30)
    assert ended == []
    assert [found.host for found in left] == ["elsewhere"]
    process.kill()
    process.wait()
