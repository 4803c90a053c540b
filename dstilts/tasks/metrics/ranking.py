"""The mean average precision of ranked candidates (LAReQA, Mewsli-X)."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

NUM_RANKED = 20


def average_precision(ranked: Sequence[str], right: AbstractSet[str], k: int = NUM_RANKED) -> float:
    """The mean of the precisions at the right candidates among the best `k`, 0 to 1.

    The divisor is the number of right candidates, but at most `k` (XTREME-R's scripts). With one
    right candidate it is the reciprocal of its rank. A candidate that comes again counts as wrong.

    Raises:
        ValueError: nothing is right.
    """
    if not right:
        raise ValueError("a question without a right candidate")
    found: set[str] = set()
    total = 0.0
    for place, candidate in enumerate(ranked[:k], start=1):
        if candidate in right and candidate not in found:
            found.add(candidate)
            total += len(found) / place
    return total / min(len(right), k)


def map_at_20(
    gold: Mapping[str, AbstractSet[str]], predictions: Mapping[str, Sequence[str]]
) -> float:
    """The mean average precision at 20 over the gold ids in per cent; a missing one scores 0.

    Raises:
        ValueError: there is no question, or one without a right candidate.
    """
    if not gold:
        raise ValueError("the score of no question")
    found = [average_precision(predictions.get(name, ()), right) for name, right in gold.items()]
    return 100 * float(np.mean(found))
