"""Accuracy and the F1 of one class, in per cent."""

from collections.abc import Sequence

import numpy as np


def accuracy(gold: Sequence[object], predicted: Sequence[object]) -> float:
    """The share of positions where both sequences agree, in per cent.

    Raises:
        ValueError: the sequences are empty or of different lengths.
    """
    hits = [g == p for g, p in zip(gold, predicted, strict=True)]
    if not hits:
        raise ValueError("the accuracy of nothing")
    return 100 * float(np.mean(hits))


def class_f1(gold: Sequence[str], predicted: Sequence[str], positive: str) -> float:
    """The F1 of the class `positive` in per cent; 0 where it is neither there nor predicted.

    Raises:
        ValueError: the sequences are of different lengths.
    """
    pairs = list(zip(gold, predicted, strict=True))
    hits = sum(g == p == positive for g, p in pairs)
    sides = sum((g == positive) + (p == positive) for g, p in pairs)
    return 200 * hits / sides if sides else 0.0
