"""How much memory this process has needed so far."""

import resource
import sys
from pathlib import Path

import torch

GIB = 1 << 30
_STATUS = Path("/proc/self/status")


def peak_memory_gib(device: torch.device) -> float:
    """The largest memory of this process so far, in GiB; no device waits for it.

    On CUDA what its tensors held of the device; otherwise its resident memory.
    """
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device)) / GIB
    return _peak_resident() / GIB


def forget_peak(device: torch.device) -> None:
    """Lets the peak begin anew with what the device holds now; a host's cannot be forgotten."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _peak_resident() -> int:
    """In bytes."""
    if _STATUS.is_file():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    # Elsewhere; not first, for Linux passes a parent's peak on to what it starts. macOS counts
    # bytes, the others KiB.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
