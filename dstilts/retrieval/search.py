"""Exact nearest neighbours by cosine.

Shapes: Q queries, N corpus vectors, D dimensions, K = min(k, N) results of a query.
"""

import torch
from torch import Tensor

from dstilts_kernels.topk import api
from dstilts_kernels.topk.api import TopK as TopK


def search(queries_QD: Tensor, corpus_ND: Tensor, k: int) -> TopK:
    """The K corpus vectors of the largest cosine for each query, best first.

    Of equal cosines the lowest index comes first; an empty corpus gives no results.

    Raises:
        ValueError: k is below 1, the numbers of dimensions differ, a number is not finite, or a
            vector is zero and so has no direction; the message names the row.
    """
    return api.topk(_unit("queries", queries_QD), _unit("corpus", corpus_ND), k)


def mutual_search(queries_QD: Tensor, corpus_ND: Tensor, k: int) -> tuple[TopK, TopK]:
    """`search` of the queries in the corpus and of the corpus in the queries, in one pass.

    Raises:
        ValueError: as `search`.
    """
    return api.mutual_topk(_unit("queries", queries_QD), _unit("corpus", corpus_ND), k)


def _unit(name: str, vectors: Tensor) -> Tensor:
    """The vectors scaled to length 1, in float64: a length of fp32 may overflow or vanish."""
    wide = vectors.double()
    lengths = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
    zero = (lengths == 0).nonzero()
    if len(zero):  # a host-device sync
        raise ValueError(f"row {int(zero[0, 0])} of the {name} is zero and has no direction")
    return wide / lengths
