"""Exact nearest neighbours by inner product: checks the input and picks the back end.

What every back end keeps to: results are sorted by score, of equal scores the lowest index comes
first; there are min(k, N) of them, so none for an empty corpus.

Shapes: Q queries, N corpus vectors, D dimensions, K = min(k, N) results of a query.
"""

import torch
from torch import Tensor

from dstilts_kernels.topk import reference
from dstilts_kernels.topk.reference import TopK as TopK


def topk(queries_QD: Tensor, corpus_ND: Tensor, k: int) -> TopK:
    """The best K corpus vectors of each query: scores (Q, K) float32 and indices (Q, K) int64.

    Raises:
        ValueError: shapes that do not fit, k below 1, or a number that is not finite (the message
            names the row).
    """
    _check(queries_QD, corpus_ND, k)
    return reference.topk(queries_QD, corpus_ND, k)


def mutual_topk(queries_QD: Tensor, corpus_ND: Tensor, k: int) -> tuple[TopK, TopK]:
    """`topk` in both directions in one pass: (Q, min(k, N)) and (N, min(k, Q)).

    Raises:
        ValueError: as `topk`.
    """
    _check(queries_QD, corpus_ND, k)
    return reference.mutual_topk(queries_QD, corpus_ND, k)


def _check(queries_QD: Tensor, corpus_ND: Tensor, k: int) -> None:
    if queries_QD.dim() != 2 or corpus_ND.dim() != 2 or queries_QD.shape[1] != corpus_ND.shape[1]:
        raise ValueError(
            f"queries {tuple(queries_QD.shape)} and corpus {tuple(corpus_ND.shape)} must be "
            "matrices of the same number of columns"
        )
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    _check_finite("queries", queries_QD)
    _check_finite("corpus", corpus_ND)


def _check_finite(name: str, vectors: Tensor) -> None:
    # A host-device sync, one for each side of a search.
    broken = (~torch.isfinite(vectors).all(dim=1)).nonzero()
    if len(broken):
        raise ValueError(f"row {int(broken[0])} of the {name} has a number that is not finite")
