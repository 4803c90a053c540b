"""How far an evaluation is over all workers: a table on a terminal, lines now and then in a log."""

import sys
import time
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dstilts.core.logs import duration, log
from dstilts.evaluation.shards import Shard

LINE_SECONDS = 30.0
_BAR = 24  # letters wide


@dataclass(frozen=True)
class SetName:
    """Which set of examples a shard has rows of."""

    model: Hashable
    task: str
    language: str


class Tracker:
    """Counts what is done; time left comes from what shards were expected to take, for they differ.

    Args:
        work: the shards, each with the sets that it has rows of.
        workers: how many take shards at a time.
        now: the clock's time, in seconds, at the start.
    """

    def __init__(
        self, work: Sequence[tuple[Shard, Sequence[SetName]]], workers: int, now: float
    ) -> None:
        self.total, self.done = len(work), 0
        self._seen: set[Path] = set()
        self._sets = {shard.file: sets for shard, sets in work}
        self._waiting = Counter(name for _, sets in work for name in sets)  # shards of each set
        self._whole = dict(self._waiting)
        self._expected = sum(shard.seconds for shard, _ in work)
        self._taken = 0.0  # of what was expected
        self._workers, self._begun = workers, now
        self._tokens = self._rows = 0

    def advance(self, shard: Shard) -> None:
        """A shard is done, or given up; one that had to be done again counts once."""
        if shard.file in self._seen:
            return
        self._seen.add(shard.file)
        self.done += 1
        self._taken += shard.seconds
        self._rows += sum(map(len, shard.batches))
        batches = zip(shard.batches, shard.lengths, strict=True)
        self._tokens += sum(len(units) * length for units, length in batches)
        self._waiting.subtract(self._sets[shard.file])

    def share(self) -> float:
        """Of the work as it was expected, 0 to 1."""
        return self._taken / self._expected if self._expected else 1.0

    def seconds_left(self, now: float) -> float:
        """As the shards that are done took compared with what was expected of them."""
        rest = self._expected - self._taken
        pace = (now - self._begun) / self._taken if self._taken else 1 / self._workers
        return max(0.0, rest * pace)

    def words(self, now: float) -> str:
        """All but the tasks in one line."""
        seconds = max(now - self._begun, 1e-9)
        return (
            f"{self.done} of {self.total} shards, {self._tokens / seconds:,.0f} tokens/s, "
            f"{self._rows / seconds:,.0f} rows/s, {duration(self.seconds_left(now))} left"
        )

    def tasks(self) -> dict[str, tuple[float, list[str], int]]:
        """By task the share of its shards that is done, the languages that are complete (of all
        models) and how many others have begun.
        """
        found = {}
        for name in dict.fromkeys(one.task for one in self._whole):
            mine = [one for one in self._whole if one.task == name]
            whole = sum(self._whole[one] for one in mine)
            waiting = sum(self._waiting[one] for one in mine)
            open_codes = {one.language for one in mine if self._waiting[one]}
            complete = dict.fromkeys(o.language for o in mine if o.language not in open_codes)
            begun = {o.language for o in mine if self._waiting[o] < self._whole[o]} & open_codes
            found[name] = (1 - waiting / whole, list(complete), len(begun))
        return found


class Progress:
    """Shows a tracker; a context, because a table on a terminal has to be taken down."""

    def __init__(self, work: Sequence[tuple[Shard, Sequence[SetName]]], workers: int) -> None:
        self._tracker = Tracker(work, workers, time.monotonic())
        self._said = time.monotonic()
        self._live: Any = None
        if work and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True)
            # Drawn again by a thread, so that the time left does not stand still.
            self._live = Live(
                get_renderable=self._table, console=console, refresh_per_second=2, transient=True
            )

    def advance(self, shard: Shard) -> None:
        """See `Tracker`."""
        self._tracker.advance(shard)
        now = time.monotonic()
        if self._live is None and now - self._said >= LINE_SECONDS:
            self._said = now
            log(f"evaluated {self._tracker.words(now)}; {task_words(self._tracker)}")

    def _table(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False)
        for name, (share, complete, begun) in self._tracker.tasks().items():
            at_work = f"{begun} begun" if begun else ""
            table.add_row(name, bar(share), f"{share:4.0%}", at_work, Text(" ".join(complete)))
        title = f"{bar(self._tracker.share())} {self._tracker.words(time.monotonic())}"
        return Group(Text(title, no_wrap=True, overflow="ellipsis"), table)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()


def bar(share: float) -> str:
    """A share as a bar of fixed width."""
    full = round(_BAR * share)
    return "\u2501" * full + "\u2500" * (_BAR - full)


def task_words(tracker: Tracker) -> str:
    """How far each task is, for a log."""
    parts = []
    for name, (share, complete, begun) in tracker.tasks().items():
        if share == 1:
            parts.append(f"{name} complete")
        else:
            codes = f", complete: {' '.join(complete)}" if complete else ""
            parts.append(f"{name} {share:.0%}, {begun} languages begun{codes}")
    return "; ".join(parts)
