"""Lines that say how far a long piece of work is."""

import time

from dstilts.core.logs import duration, log

INTERVAL = 5.0  # seconds between two lines


class Progress:
    """Says every few seconds how much is done, how fast, and how long the rest will take.

    Work that takes less than `INTERVAL` passes without a word.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._start = self._last = time.monotonic()

    def reached(self, number: int) -> None:
        """So many of the total are done."""
        now = time.monotonic()
        if now - self._last < INTERVAL:
            return
        self._last = now
        rate = number / (now - self._start)
        left = duration((self._total - number) / rate)
        log(f"{self._what}: {number:,} of {self._total:,}, {rate:,.0f} a second, {left} left")
