"""What a process measures of itself: time of the steps, and memory while they run."""

import threading
import time
from typing import Self

import torch

from dstilts.core.resident import resident_bytes

_INTERVAL = 0.05  # seconds between two looks at the memory


def synchronise() -> None:
    """Waits for the GPU, where there is one (a host-device sync)."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class MemoryWatch:
    """Looks at the resident memory many times a second, so that a stretch of time has a peak.

    The kernel's own peak counts from the start of the process, loading and publishing included.
    """

    def __init__(self) -> None:
        self._seen: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def peak(self, begin: float, end: float) -> int:
        """The most bytes between two times of day; on a GPU the most allocated there until now."""
        if torch.cuda.is_available():
            return torch.cuda.max_memory_allocated()
        within = [size for when, size in self._seen if begin <= when <= end]
        return max(within, default=resident_bytes() or 0)

    def _watch(self) -> None:
        while not self._ended.wait(_INTERVAL):
            self._seen.append((time.time(), resident_bytes() or 0))


class Stopwatch:
    """The times of day at the first step, after the steps that warm up, and after the last one.

    Args:
        first_timed: how many steps are not timed: memory is taken and kernels are chosen in them.
    """

    def __init__(self, num_steps: int, first_timed: int) -> None:
        self._num_steps = num_steps
        self._first_timed = first_timed
        self.begun = time.time()
        self.timed_from = self.ended = 0.0

    def start(self) -> None:
        """Called before the first step."""
        self.begun = time.time()

    def stepped(self, steps: int) -> None:
        """Called after every step with the number taken so far; a host-device sync at two."""
        if steps == self._first_timed:
            synchronise()
            self.timed_from = time.time()
        if steps == self._num_steps:
            synchronise()
            self.ended = time.time()

    @property
    def seconds(self) -> float:
        """Of the timed steps."""
        return self.ended - self.timed_from
