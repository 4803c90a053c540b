"""Which rows a step sees: micro-batches within a token budget, grouped by length."""

import threading
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dstilts.core.random_numbers import stream

# Rows are sorted by length within pools of about this many micro-batches: large enough that padding
# is rare, small enough that what stands together changes from epoch to epoch.
POOL_MICRO_BATCHES = 64

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Epoch:
    """All micro-batches of an epoch: runs of `rows`.

    Attributes:
        rows: all rows, sorted by length within pools.
        edges: where the runs begin in `rows`, and behind them the number of rows.
        order: the run of each micro-batch.
    """

    rows: Numbers
    edges: Numbers
    order: Numbers

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> Numbers:
        run = self.order[number]
        # A copy: what is kept of a step must not keep the epoch.
        return self.rows[self.edges[run] : self.edges[run + 1]].copy()


class BatchPlan:
    """All batches of one training set: a pure function of (seed, name, step).

    An epoch is a permutation of the rows, cut into pools, sorted by length within a pool, cut into
    micro-batches within the token budget, and these shuffled. Epochs follow each other without a
    seam: every row is seen once an epoch, and a step takes the next `micro_batches` of them.

    One epoch is kept, in 8 bytes a row. Threads may share a plan.

    Args:
        lengths: the tokens of each row.
        seed: of the phase.
        name: tells training sets of one phase apart.
        tokens: the budget of a micro-batch, padding included; a longer row stands alone.
        micro_batches: how many micro-batches make a step.
    """

    def __init__(
        self, lengths: np.ndarray, seed: int, name: str, tokens: int, micro_batches: int
    ) -> None:
        if len(lengths) == 0:
            raise ValueError("no rows to make batches of")
        self._lengths = np.asarray(lengths)
        mean = max(1.0, float(self._lengths.mean()))
        self._pool = max(1, round(POOL_MICRO_BATCHES * tokens / mean))
        # numpy sorts numbers of 16 bits much faster than longer ones.
        if self._lengths.max() < 2**16:
            self._lengths = self._lengths.astype(np.uint16)
        self._seed = seed
        self._name = name
        self._tokens = tokens
        self._micro_batches = micro_batches
        self._starts = [0]  # the number of micro-batches before each epoch that was asked for
        self._kept: tuple[int, _Epoch] | None = None
        self._lock = threading.Lock()  # batches may be made ahead in a thread

    @property
    def steps_per_epoch(self) -> float:
        """Steps that make one pass; epochs differ by a micro-batch or so, this is the first one."""
        with self._lock:
            return len(self._epoch(0)) / self._micro_batches

    def batch_at(self, step: int) -> list[np.ndarray]:
        """The micro-batches of a step: arrays of row numbers."""
        first = step * self._micro_batches
        with self._lock:
            return [self._micro_batch(first + number) for number in range(self._micro_batches)]

    def _micro_batch(self, number: int) -> Numbers:
        # Epochs have slightly different numbers of micro-batches, so starts are found in turn.
        while self._starts[-1] <= number:
            self._starts.append(self._starts[-1] + self._size(len(self._starts) - 1))
        epoch = int(np.searchsorted(self._starts, number, side="right")) - 1
        return self._epoch(epoch)[number - self._starts[epoch]]

    def _epoch(self, epoch: int) -> _Epoch:
        """The micro-batches of an epoch; the last one asked for is kept."""
        if self._kept is None or self._kept[0] != epoch:
            self._kept = None  # two at a time would be twice the memory
            self._kept = (epoch, self._cut(epoch))
        return self._kept[1]

    def _size(self, epoch: int) -> int:
        """The number of micro-batches of an epoch, at half the cost of the micro-batches."""
        if self._kept is not None and self._kept[0] == epoch:
            return len(self._kept[1])
        lengths = self._lengths[self._draws(epoch).permutation(len(self._lengths))]
        for pools in _in_pools(lengths, self._pool):
            pools.sort(axis=1)
        return len(_edges(lengths, self._pool, self._tokens)) - 1

    def _cut(self, epoch: int) -> _Epoch:
        draws = self._draws(epoch)
        rows = draws.permutation(len(self._lengths))
        for pools in _in_pools(rows, self._pool):
            # A stable sort keeps the shuffled order among rows of one length.
            order = np.argsort(self._lengths[pools], axis=1, kind="stable")
            pools[:] = np.take_along_axis(pools, order, axis=1)
        edges = _edges(self._lengths[rows], self._pool, self._tokens)
        return _Epoch(rows, edges, draws.permutation(len(edges) - 1))

    def _draws(self, epoch: int) -> np.random.Generator:
        return stream(self._seed, self._name, epoch)


def _in_pools(values: np.ndarray, pool: int) -> list[np.ndarray]:
    """Views of `values` with one pool a row: all full ones, and the last one if it is shorter."""
    full = len(values) // pool * pool
    parts = [values[:full].reshape(-1, pool), values[full:].reshape(1, -1)]
    return [part for part in parts if part.size]


def micro_batches(lengths: Numbers, tokens: int) -> list[Numbers]:
    """The indices of all rows, the longest first, in runs within the budget of padded tokens.

    For rows that are seen once: what does not fit into memory fails at once, and of several workers
    all end on short rows.
    """
    if not len(lengths):
        return []
    return cut_by_budget(np.argsort(-lengths, kind="stable"), lengths, tokens)


def cut_by_budget(rows: np.ndarray, lengths: np.ndarray, tokens: int) -> list[np.ndarray]:
    """Cuts rows of ascending length into runs whose longest row times their number is in a budget.

    A run takes as many rows as fit; a row longer than the budget stands alone.

    Args:
        rows: indices into `lengths`.
        tokens: the budget of a run, padding included.
    """
    return np.split(rows, _edges(lengths[rows], max(1, len(rows)), tokens)[1:-1])


def _edges(lengths: np.ndarray, pool: int, tokens: int) -> Numbers:
    """Where the runs of `cut_by_budget` begin, pool by pool, and behind them the number of rows.

    Args:
        lengths: the tokens of each row, ascending within each pool.
        pool: the rows of a pool; the last one may be shorter.
    """
    values = np.ascontiguousarray(lengths).data  # gives plain integers, one by one
    edges = [0]
    for end in range(min(pool, len(values)), len(values) + pool, pool):
        end = min(end, len(values))
        while edges[-1] < end:
            edges.append(_stop(values, edges[-1], end, tokens))
    return np.array(edges)


def _stop(lengths: memoryview, start: int, end: int, tokens: int) -> int:
    """Behind the last row that fits into a run; by bisection, for rows ascend."""
    # One row always fits; more than this many never do, the first one being the shortest.
    last = min(end, start + tokens // lengths[start]) if lengths[start] else end
    stops = range(start + 2, last + 1)
    return start + 1 + bisect_right(stops, tokens, key=lambda s: lengths[s - 1] * (s - start))
