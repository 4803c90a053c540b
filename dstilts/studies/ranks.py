"""Rank correlation of a language's slope or level with how far it is from English."""

from collections.abc import Sequence

import numpy as np

from dstilts.studies.estimates import LEVEL, Estimate


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> Estimate | None:
    """Spearman's correlation with its interval on Fisher's scale.

    The standard error is that of Bonett and Wright 2000, sqrt((1 + r^2 / 2) / (n - 3)), which keeps
    its level for ranks. It holds for languages drawn at random: relatives are not.

    Returns:
        None for fewer than five languages, or where one side is the same in all.
    """
    from scipy import stats

    if len(x) < 5 or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    r = float(stats.spearmanr(x, y).statistic)
    z = np.arctanh(np.clip(r, -0.999, 0.999))
    reach = float(stats.norm.ppf((1 + LEVEL) / 2)) * np.sqrt((1 + r * r / 2) / (len(x) - 3))
    return Estimate(r, float(np.tanh(z - reach)), float(np.tanh(z + reach)))
