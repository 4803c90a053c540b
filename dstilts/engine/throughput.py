"""Speed between two log lines: tokens and FLOPs a second, times of steps, the time left."""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dstilts.engine.plan import GlobalStep

PERCENTILES = (50, 90, 99)


@dataclass(frozen=True)
class Throughput:
    """What a stretch of steps did, over all ranks."""

    tokens_per_second: float  # without padding
    padding_share: float  # of the tokens computed
    flops_per_second: float  # that the model needs; 0 where they are not counted


class ThroughputMeter:
    """Adds steps up until it is read; the device is never asked.

    Args:
        flops: of a step, for all ranks together.
    """

    def __init__(self, flops: Callable[[GlobalStep], float] | None = None) -> None:
        self._flops = flops
        self._reset()

    def add(self, work: GlobalStep) -> None:
        """Counts one step."""
        self._num_tokens += work.num_tokens
        self._num_padded += work.num_padded_tokens
        if self._flops is not None:
            self._num_flops += self._flops(work)

    def read(self) -> Throughput:
        """The figures since the last reading; begins anew."""
        seconds = time.perf_counter() - self._since
        reading = Throughput(
            tokens_per_second=self._num_tokens / seconds,
            padding_share=1 - self._num_tokens / max(1, self._num_padded),
            flops_per_second=self._num_flops / seconds,
        )
        self._reset()
        return reading

    def _reset(self) -> None:
        self._since = time.perf_counter()
        self._num_tokens = 0
        self._num_padded = 0
        self._num_flops = 0.0


class StepTimer:
    """How long each step took on this rank: from the end of the one before to its own end.

    Reading data, saving and validating in between are in it. On CUDA the marks are events in the
    stream, which nothing waits for until they are read.

    Args:
        device: of this rank.
    """

    def __init__(self, device: torch.device) -> None:
        self._is_cuda = device.type == "cuda"
        self._marks = [self._mark()]

    def add(self) -> None:
        """A step has ended."""
        self._marks.append(self._mark())

    def read(self) -> list[float]:
        """Seconds of each step since the last reading (on CUDA a host-device sync)."""
        marks, self._marks = self._marks, self._marks[-1:]
        if not self._is_cuda:
            return [end - begin for begin, end in itertools.pairwise(marks)]
        marks[-1].synchronize()
        return [begin.elapsed_time(end) / 1000 for begin, end in itertools.pairwise(marks)]

    def _mark(self) -> Any:
        if not self._is_cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event


class TimeLeft:
    """The time until the last step, from the mean of the steps taken.

    The first stretch, which compiles and warms up, counts only until there is a second one.
    """

    def __init__(self) -> None:
        self._since = time.perf_counter()
        self._num_taken = 0
        self._is_warm = False

    def read(self, num_taken: int, num_left: int) -> float:
        """Seconds left.

        Args:
            num_taken: steps since the last reading.
            num_left: steps to come.
        """
        now = time.perf_counter()
        seconds = (now - self._since) / (self._num_taken + num_taken)
        if self._is_warm:
            self._num_taken += num_taken
        else:
            self._since, self._is_warm = now, True
        return seconds * num_left


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The 50th, 90th and 99th percentile by name, each a time that was measured."""
    values = np.percentile(seconds, PERCENTILES, method="higher")
    return {f"p{q}": round(float(v), 6) for q, v in zip(PERCENTILES, values, strict=True)}
