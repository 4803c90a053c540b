"""How far an evaluation is: a bar on a terminal, a line now and then in a log."""

import sys
import time
from types import TracebackType
from typing import Self

from dstilts.core.logs import log

LINE_SECONDS = 30.0


class Progress:
    """Counts shards; a context, because a bar on a terminal has to be taken down."""

    def __init__(self, num_shards: int) -> None:
        self._num_shards = num_shards
        self._done = 0
        self._said = time.monotonic()
        self._bar = None
        if num_shards and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("evaluating", total=num_shards)

    def advance(self) -> None:
        """One more shard is done."""
        self._done += 1
        if self._bar is not None:
            self._bar.advance(self._task)
        elif time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            log(f"evaluated {self._done} of {self._num_shards} shards")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
