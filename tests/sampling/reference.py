"""Batches row by row, as simple as can be: what `BatchPlan` has to give."""

import numpy as np

from dstilts.core.random_numbers import stream


class ReferencePlan:
    """The batches of a training set, all epochs kept."""

    def __init__(
        self, lengths: np.ndarray, seed: int, name: str, tokens: int, micro_batches: int
    ) -> None:
        self._lengths = lengths
        self._name = (seed, name)
        self._tokens = tokens
        self._micro_batches = micro_batches
        self._epochs: list[list[np.ndarray]] = []

    @property
    def steps_per_epoch(self) -> float:
        """Steps of the first epoch."""
        return len(self._epoch(0)) / self._micro_batches

    def batch_at(self, step: int) -> list[np.ndarray]:
        """The micro-batches of a step."""
        wanted = (step + 1) * self._micro_batches
        while sum(map(len, self._epochs)) < wanted:
            self._epoch(len(self._epochs))
        joined = [batch for epoch in self._epochs for batch in epoch]
        return joined[step * self._micro_batches : wanted]

    def _epoch(self, number: int) -> list[np.ndarray]:
        while len(self._epochs) <= number:
            draws = stream(*self._name, len(self._epochs))
            order = draws.permutation(len(self._lengths))
            mean = max(1.0, float(self._lengths.mean()))
            pool = max(1, round(64 * self._tokens / mean))
            batches: list[np.ndarray] = []
            for start in range(0, len(order), pool):
                rows = order[start : start + pool]
                rows = rows[np.argsort(self._lengths[rows], kind="stable")]
                batches += cut_row_by_row(rows, self._lengths, self._tokens)
            self._epochs.append([batches[index] for index in draws.permutation(len(batches))])
        return self._epochs[number]


def cut_row_by_row(rows: np.ndarray, lengths: np.ndarray, tokens: int) -> list[np.ndarray]:
    """Runs whose longest row times their number is within `tokens`; a longer row stands alone."""
    cuts = []
    start, longest = 0, 0
    for index, length in enumerate(lengths[rows].tolist()):
        longest = max(longest, length)
        if index > start and longest * (index - start + 1) > tokens:
            cuts.append(index)
            start, longest = index, length
    return np.split(rows, cuts)
