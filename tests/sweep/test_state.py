"""The driver's lock: one at a time, and held as long as anything the driver started lives."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.sweep.state import driver_lock


def test_a_second_driver_is_turned_away(tmp_path: Path) -> None:
    with (
        driver_lock(tmp_path),
        pytest.raises(UserError, match=f"started by process {os.getpid()}"),
        driver_lock(tmp_path),
    ):
        pass
    with driver_lock(tmp_path):
        pass


def test_the_lock_outlives_a_killed_driver(tmp_path: Path) -> None:
    program = (
        "import os, pathlib\nfrom subprocess import DEVNULL, Popen\n"
        "from dstilts.sweep.state import driver_lock\n"
        f"with driver_lock(pathlib.Path({str(tmp_path)!r})) as lock:\n"
        "    quiet = {'stdout': DEVNULL, 'stderr': DEVNULL}\n"
        "    child = Popen(['sleep', '60'], pass_fds=(lock,), **quiet)\n"
        "    print(child.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    child = int(done.stdout)
    with pytest.raises(UserError, match="another run works on"), driver_lock(tmp_path):
        pass
    os.kill(child, 9)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with driver_lock(tmp_path):
                return
        except UserError:
            time.sleep(0.05)
    pytest.fail("the lock was not given back")
