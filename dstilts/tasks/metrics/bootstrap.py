"""How sure a score is: percentile intervals by the bootstrap over examples, of one model or two."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dstilts.core.random_numbers import stream
from dstilts.tasks.metrics.example_scores import ExampleScores

REPLICATES = 1000
LEVEL = 0.95
_BLOCK = 2**22  # numbers that are drawn at a time

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """One model less another on the same examples, in points, and the ends of its interval."""

    value: float
    low: float
    high: float


def interval(
    scores: ExampleScores, *name: str | int, replicates: int = REPLICATES, level: float = LEVEL
) -> tuple[float, float]:
    """The ends of the interval of a metric in per cent, drawn from the stream `name`.

    It says how far the score would move on other examples of the same kind; not on another seed.
    """
    rows = np.stack([scores.numerators, scores.denominators], axis=1)
    above, below = _drawn_sums(rows, replicates, *name).T
    return _ends(_ratio(above, below), level)


def paired_difference(
    one: ExampleScores,
    other: ExampleScores,
    *name: str | int,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Difference:
    """How much higher the metric of `one` is; both are drawn on the same examples.

    Raises:
        ValueError: the scores are of different examples or metrics.
    """
    if one.ids != other.ids or one.metric != other.metric:
        raise ValueError("scores of different examples or metrics cannot be paired")
    columns = [one.numerators, one.denominators, other.numerators, other.denominators]
    sums = _drawn_sums(np.stack(columns, axis=1), replicates, *name)
    low, high = _ends(_ratio(sums[:, 0], sums[:, 1]) - _ratio(sums[:, 2], sums[:, 3]), level)
    return Difference(one.value - other.value, low, high)


def _drawn_sums(rows_NC: Numbers, replicates: int, *name: str | int) -> Numbers:
    """The sums (replicates, C) of as many rows as there are, drawn with replacement.

    Equal rows are drawn as one number, how often any of them comes: the same distribution, at the
    cost of the different rows alone. An accuracy has two.
    """
    random = stream("bootstrap", *name)
    values_KC, counts_K = np.unique(rows_NC, axis=0, return_counts=True)
    total = int(counts_K.sum())
    block = max(1, _BLOCK // len(values_KC))
    sums = [
        random.multinomial(total, counts_K / total, min(block, replicates - first)) @ values_KC
        for first in range(0, replicates, block)
    ]
    return np.concatenate(sums)


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    """In per cent; 0 where nothing is found and nothing was to be found."""
    return 100 * np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _ends(values: Numbers, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
