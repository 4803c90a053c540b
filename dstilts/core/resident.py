"""How much memory a process holds, as the kernel counts it."""

import resource
import sys
from pathlib import Path
from typing import Literal

# The most so far, what is in memory now, and of that what no file backs.
Size = Literal["VmHWM", "VmRSS", "RssAnon"]


def resident_bytes(size: Size = "VmRSS", pid: int | None = None) -> int | None:
    """Bytes of a process (this one); None where it has ended, and where the system is not Linux."""
    try:
        lines = Path(f"/proc/{pid or 'self'}/status").read_text().splitlines()
    except OSError:
        return None
    found = (line.split()[1] for line in lines if line.startswith(f"{size}:"))
    return next((1024 * int(kib) for kib in found), None)


def peak_resident_bytes() -> int:
    """The most bytes that this process has held so far."""
    peak = resident_bytes("VmHWM")
    if peak is not None:
        return peak
    # Elsewhere; not first, for Linux passes a parent's peak on to what it starts. macOS counts
    # bytes, the others KiB.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
