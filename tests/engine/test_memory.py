"""The peak memory of a process: it grows with what was held, and does not shrink."""

import resource
from pathlib import Path

import pytest
import torch

from dstilts.engine import memory
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


def test_without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    expected = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    assert peak_memory_gib(CPU) == pytest.approx(expected, rel=0.05)
