"""Tokens per second and padding between two log lines, counted from the plan."""

import time
from dataclasses import dataclass

from dstilts.engine.plan import GlobalStep


@dataclass(frozen=True)
class Throughput:
    """What a stretch of steps did: tokens count without padding, over all ranks."""

    tokens_per_second: float
    padding_share: float  # of the tokens computed


class ThroughputMeter:
    """Adds steps up until it is read; the device is never asked."""

    def __init__(self) -> None:
        self._reset()

    def add(self, work: GlobalStep) -> None:
        """Counts one step."""
        self._num_tokens += work.num_tokens
        self._num_padded += work.num_padded_tokens

    def read(self) -> Throughput:
        """The figures since the last reading; begins anew."""
        seconds = time.perf_counter() - self._since
        reading = Throughput(
            tokens_per_second=self._num_tokens / seconds,
            padding_share=1 - self._num_tokens / max(1, self._num_padded),
        )
        self._reset()
        return reading

    def _reset(self) -> None:
        self._since = time.perf_counter()
        self._num_tokens = 0
        self._num_padded = 0
