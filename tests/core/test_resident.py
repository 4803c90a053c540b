"""The memory of processes, by the kernel's count."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from dstilts.core.resident import peak_resident_bytes, resident_bytes

MIB = 1 << 20
GROWN = """
import sys
from dstilts.core.resident import peak_resident_bytes, resident_bytes
before = resident_bytes("RssAnon")
held = bytearray(64 << 20)
grown = resident_bytes("RssAnon") - before
del held
print(grown, peak_resident_bytes() - resident_bytes("VmRSS"))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel is not Linux")
def test_what_is_held_and_what_was() -> None:
    done = subprocess.run([sys.executable, "-c", GROWN], capture_output=True, check=True, text=True)
    grown, given_back = map(int, done.stdout.split())
    assert 60 * MIB < grown < 80 * MIB
    assert 50 * MIB < given_back < 80 * MIB


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel is not Linux")
def test_of_another_process() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        of_child = resident_bytes("VmRSS", process.pid)
        process.kill()
    mine = resident_bytes("VmRSS", os.getpid())
    assert of_child
    assert mine
    assert of_child < mine
    assert resident_bytes("VmRSS", 2**22 + 1) is None


def test_without_the_kernels_file_there_is_a_peak_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstilts.core.resident.resident_bytes", lambda size: None)
    unit = 1 if sys.platform == "darwin" else 1024
    expected = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak_resident_bytes() == pytest.approx(expected, rel=0.05)
