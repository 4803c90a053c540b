"""Which rows a step sees: micro-batches within a token budget, grouped by length."""

import numpy as np

from dstilts.core.random_numbers import stream

# Rows are sorted by length within pools of about this many micro-batches: large enough that padding
# is rare, small enough that what stands together changes from epoch to epoch.
POOL_MICRO_BATCHES = 64


class BatchPlan:
    """All batches of one training set: a pure function of (seed, name, step).

    An epoch is a permutation of the rows, cut into pools, sorted by length within a pool, cut into
    micro-batches within the token budget, and these shuffled. Epochs follow each other without a
    seam: every row is seen once an epoch, and a step takes the next `micro_batches` of them.

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
        self._seed = seed
        self._name = name
        self._tokens = tokens
        self._micro_batches = micro_batches
        self._starts = [0]  # the number of micro-batches before each epoch that was asked for
        self._kept: tuple[int, list[np.ndarray]] = (-1, [])

    @property
    def steps_per_epoch(self) -> float:
        """Steps that make one pass; epochs differ by a micro-batch or so, this is the first one."""
        return len(self._epoch(0)) / self._micro_batches

    def batch_at(self, step: int) -> list[np.ndarray]:
        """The micro-batches of a step: arrays of row numbers."""
        first = step * self._micro_batches
        return [self._micro_batch(first + number) for number in range(self._micro_batches)]

    def _micro_batch(self, number: int) -> np.ndarray:
        # Epochs have slightly different numbers of micro-batches, so starts are found in turn.
        while self._starts[-1] <= number:
            self._starts.append(self._starts[-1] + len(self._epoch(len(self._starts) - 1)))
        epoch = int(np.searchsorted(self._starts, number, side="right")) - 1
        return self._epoch(epoch)[number - self._starts[epoch]]

    def _epoch(self, epoch: int) -> list[np.ndarray]:
        """The micro-batches of an epoch, in order; the last one asked for is kept."""
        if self._kept[0] != epoch:
            self._kept = (epoch, self._cut(epoch))
        return self._kept[1]

    def _cut(self, epoch: int) -> list[np.ndarray]:
        draws = stream(self._seed, self._name, epoch)
        order = draws.permutation(len(self._lengths))
        mean = max(1.0, float(self._lengths.mean()))
        pool = max(1, round(POOL_MICRO_BATCHES * self._tokens / mean))
        batches: list[np.ndarray] = []
        for start in range(0, len(order), pool):
            rows = order[start : start + pool]
            # A stable sort keeps the shuffled order among rows of one length.
            rows = rows[np.argsort(self._lengths[rows], kind="stable")]
            batches += cut_by_budget(rows, self._lengths, self._tokens)
        return [batches[index] for index in draws.permutation(len(batches))]


def cut_by_budget(rows: np.ndarray, lengths: np.ndarray, tokens: int) -> list[np.ndarray]:
    """Cuts `rows` in their order into runs whose longest row times their number is within `tokens`.

    A row longer than the budget stands alone.
    """
    cuts = []
    start, longest = 0, 0
    for index, length in enumerate(lengths[rows].tolist()):
        longest = max(longest, length)
        if index > start and longest * (index - start + 1) > tokens:
            cuts.append(index)
            start, longest = index, length
    return np.split(rows, cuts)
