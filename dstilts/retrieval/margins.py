"""Margins: what a cosine is worth beside those of both sentences' neighbours (arXiv 1811.01136).

With a the cosine of a pair and b the mean of both rows' mean cosines to their neighbours: ratio
a / b, distance a - b, absolute a.

Shapes: S source rows, T target rows, K neighbours.
"""

import numpy as np
import numpy.typing as npt
from torch import Tensor

from dstilts.retrieval.search import TopK
from dstilts_kernels.topk import api

MARGINS = ("ratio", "distance", "absolute")

Margins = npt.NDArray[np.float64]


def margins(forward: TopK, backward: TopK, kind: str = "ratio") -> tuple[Margins, Margins]:
    """The margins (S, K) of each source's neighbours and (T, K) of each target's.

    A ratio over 0, where neighbours are at right angles, is no number and counts as the worst.

    Raises:
        ValueError: there is no such margin.
    """
    if kind not in MARGINS:
        raise ValueError(f"unknown margin {kind!r}; known: {', '.join(MARGINS)}")
    forward_SK, backward_TK = api.margins(forward, backward, kind)
    return _numbers(forward_SK), _numbers(backward_TK)


def _numbers(margins: Tensor) -> Margins:
    values: Margins = margins.cpu().numpy()
    return np.where(np.isfinite(values), values, -np.inf)
