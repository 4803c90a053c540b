"""The peak memory of a process: it grows with what was held, and does not shrink."""

import torch

from dstilts.engine.memory import peak_memory_gib

CPU = torch.device("cpu")


def test_what_was_held_counts() -> None:
    before = peak_memory_gib(CPU)
    size = int((before + 0.25) * 2**30 / 4)
    held = torch.ones(size)
    with_it = peak_memory_gib(CPU)
    assert with_it > before + 0.2
    del held
    # The kernel counts in batches of pages.
    assert peak_memory_gib(CPU) > with_it - 0.01
