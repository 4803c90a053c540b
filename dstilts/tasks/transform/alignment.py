"""IBM Model 1 (Brown et al. 1993, section 4.1) on parallel sentences, in numpy: t(target|source).

A word that translates nothing comes from the empty word 0, which stands in every source sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Pairs of positions in one sentence pair, about 100 bytes each; further sentences are left out.
MAX_CELLS = 8_000_000

Ids = Sequence[np.ndarray]  # the words of each sentence as numbers from 1


@dataclass(frozen=True)
class TranslationTable:
    """Pairs of a source and a target word that stand in one sentence pair at least.

    Attributes:
        source, target: the words of each pair, in ascending order of (source, target).
        probability: of the target word given the source word.
        sentences: in how many sentence pairs both words stand.
    """

    source: np.ndarray
    target: np.ndarray
    probability: np.ndarray
    sentences: np.ndarray


def model_1(source: Ids, target: Ids, iterations: int) -> TranslationTable:
    """The table after some iterations of expectation maximisation from equal probabilities."""
    words, others, sentence, position = _cells(source, target)
    width = int(others.max(initial=0)) + 1
    keys, cell = np.unique(words * width + others, return_inverse=True)
    pair_source = keys // width
    probability = np.ones(len(keys))
    for _ in range(iterations):
        share = probability[cell]
        share /= np.bincount(position, weights=share)[position]
        expected = np.bincount(cell, weights=share, minlength=len(keys))
        probability = expected / np.bincount(pair_source, weights=expected)[pair_source]
    together = np.unique(cell * (len(source) + 1) + sentence) // (len(source) + 1)
    return TranslationTable(
        source=pair_source,
        target=keys % width,
        probability=probability,
        sentences=np.bincount(together, minlength=len(keys)),
    )


def _cells(source: Ids, target: Ids) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Source word, target word, sentence and target position of each pair of positions."""
    columns: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    cells = positions = 0
    for number, (left, right) in enumerate(zip(source, target, strict=True)):
        words = np.concatenate([[0], left])
        size = len(words) * len(right)
        if cells + size > MAX_CELLS:
            break
        columns.append(
            (
                np.tile(words, len(right)),
                np.repeat(right, len(words)),
                np.full(size, number),
                np.repeat(np.arange(positions, positions + len(right)), len(words)),
            )
        )
        cells += size
        positions += len(right)
    if not columns:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, empty, empty
    a, b, c, d = (np.concatenate(column).astype(np.int64) for column in zip(*columns, strict=True))
    return a, b, c, d


def transposed(table: TranslationTable) -> TranslationTable:
    """The table with source and target exchanged and in order again, without the empty word."""
    kept = np.flatnonzero(table.source)
    order = kept[np.lexsort((table.source[kept], table.target[kept]))]
    return TranslationTable(
        source=table.target[order],
        target=table.source[order],
        probability=table.probability[order],
        sentences=table.sentences[order],
    )
