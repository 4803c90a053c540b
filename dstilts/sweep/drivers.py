"""The drivers at work on a folder of runs: a locked file each, as long as the driver lives."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from dstilts.core.config import build


@dataclass(frozen=True)
class DriverInfo:
    """A process that runs a grid."""

    host: str
    pid: int
    grid: str
    since: float  # seconds since 1970


@contextlib.contextmanager
def driver_file(runs: Path, grid: str) -> Iterator[None]:
    """Says that this process drives a grid; the file goes with it, or is seen to be left behind."""
    folder = runs / "drivers"
    folder.mkdir(parents=True, exist_ok=True)
    info = DriverInfo(socket.gethostname(), os.getpid(), grid, time.time())
    file = folder / f"{info.host}-{info.pid}.json"
    with file.open("w", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        json.dump(asdict(info), held)
        held.flush()
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def drivers(runs: Path) -> list[DriverInfo]:
    """Those alive now; the files of others are removed."""
    found: list[DriverInfo] = []
    for file in sorted((runs / "drivers").glob("*.json")):
        with contextlib.suppress(FileNotFoundError, ValueError), file.open() as held:
            try:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                found.append(build(DriverInfo, json.load(held)))
            else:
                file.unlink(missing_ok=True)
    return found


def stop_drivers(runs: Path, seconds: float) -> tuple[list[DriverInfo], list[DriverInfo]]:
    """Tells the drivers on this machine to stop and waits for them.

    Returns:
        Those that ended, and those that did not: on other machines, or slower than `seconds`.
    """
    before = drivers(runs)
    for driver in before:
        if driver.host == socket.gethostname():
            with contextlib.suppress(ProcessLookupError):
                os.kill(driver.pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while (left := drivers(runs)) and time.monotonic() < deadline:
        if all(driver.host != socket.gethostname() for driver in left):
            break
        time.sleep(0.1)
    return [driver for driver in before if driver not in left], left
