"""Margins: how far a pair's score stands out from those of both vectors' other neighbours.

Shapes: Q queries, N corpus vectors, K neighbours of a vector.
"""

import importlib.util
from typing import Literal, get_args

from torch import Tensor

from dstilts_kernels.topk.reference import TopK

MarginKind = Literal["ratio", "distance", "absolute"]


def margins(forward: TopK, backward: TopK, kind: MarginKind = "ratio") -> tuple[Tensor, Tensor]:
    """The margins (Q, K) and (N, K) float64 of the pairs that a mutual search found.

    With a, the pair's score, and b, the mean of its vectors' mean scores with their neighbours:
    a / b for "ratio", a - b for "distance", a for "absolute" (arXiv 1811.01136).

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in get_args(MarginKind):
        raise ValueError(f"unknown margin {kind!r}; there are {', '.join(get_args(MarginKind))}")
    if forward.scores.is_cuda and importlib.util.find_spec("triton") is not None:
        from dstilts_kernels.topk import triton_pairs

        return triton_pairs.margins(forward, backward, kind)
    means_Q, means_N = forward.scores.double().mean(1), backward.scores.double().mean(1)
    return _one_way(forward, means_Q, means_N, kind), _one_way(backward, means_N, means_Q, kind)


def _one_way(found: TopK, own: Tensor, others: Tensor, kind: MarginKind) -> Tensor:
    scores = found.scores.double()
    if kind == "absolute":
        return scores
    neighbours = (own[:, None] + others[found.indices]) / 2
    return scores / neighbours if kind == "ratio" else scores - neighbours
