"""How much memory this process has needed so far."""

import torch

from dstilts.core.resident import peak_resident_bytes

GIB = 1 << 30


def peak_memory_gib(device: torch.device) -> float:
    """The largest memory of this process so far, in GiB; no device waits for it.

    On CUDA what its tensors held of the device; otherwise its resident memory.
    """
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device)) / GIB
    return peak_resident_bytes() / GIB


def forget_peak(device: torch.device) -> None:
    """Lets the peak begin anew with what the device holds now; a host's cannot be forgotten."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
