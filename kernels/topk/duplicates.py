"""Equal vectors: searched once, given as often as they are there.

Shapes: N vectors, D dimensions, M distinct vectors, Q queries, K results of a query.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from dstilts_kernels.topk.keys import NO_KEY, best_of, keys_of

_MARKED = 64  # components that tell whether two vectors are worth comparing
_EXPANDED = 2**22  # results held at a time


class Distinct(NamedTuple):
    """Vectors of a side without repetitions, and where each of them stands."""

    first_M: Tensor  # the lowest index of each, ascending
    group_N: Tensor  # for each vector the place of its equal in first_M
    members_N: Tensor  # indices group by group, ascending in a group
    start_M: Tensor  # where a group begins in members_N
    size_M: Tensor


def distinct(vectors_ND: Tensor) -> Distinct | None:
    """What is left of the vectors without repetitions, or None if all differ.

    A few repetitions may go unnoticed; no two vectors of a group differ.
    """
    step = -(-vectors_ND.shape[1] // _MARKED)
    some = vectors_ND[:, :: max(1, step)].float()
    marks_N = some @ torch.linspace(1, 2, some.shape[1], device=some.device) ** 3
    marks_N, order_N = marks_N.sort(stable=True)
    again_N = torch.zeros(len(order_N), dtype=torch.bool, device=order_N.device)
    # Host-device syncs: only vectors of one mark are compared.
    alike = (marks_N[1:] == marks_N[:-1]).nonzero()[:, 0] + 1
    again_N[alike] = (vectors_ND[order_N[alike]] == vectors_ND[order_N[alike - 1]]).all(1)
    if not again_N.any():
        return None
    # The sort is stable, so the first of a group has its lowest index.
    first_M, rank_M = order_N[~again_N].sort()
    place_M = torch.empty_like(rank_M)
    place_M[rank_M] = torch.arange(len(rank_M), device=rank_M.device)
    group_N = torch.empty_like(order_N)
    group_N[order_N] = place_M[(~again_N).cumsum(0) - 1]
    size_M = torch.bincount(group_N, minlength=len(first_M))
    return Distinct(
        first_M, group_N, group_N.argsort(stable=True), size_M.cumsum(0) - size_M, size_M
    )


def expanded(scores_QK: Tensor, indices_QK: Tensor, vectors: Distinct, k: int) -> Tensor:
    """The keys of the k best results of all vectors, from the K best of the distinct ones.

    `indices_QK` counts in distinct vectors. K is min(k, M), so that no more are needed of them.
    """
    most = min(k, int(vectors.size_M.max()))  # a host-device sync
    rank = torch.arange(most, device=indices_QK.device)
    keys = []
    rows = max(1, _EXPANDED // max(1, most * indices_QK.shape[1]))
    for scores, groups in zip(scores_QK.split(rows), indices_QK.split(rows), strict=True):
        there = rank < vectors.size_M[groups][..., None]
        place = (vectors.start_M[groups][..., None] + rank).clamp_(max=len(vectors.members_N) - 1)
        all_keys = keys_of(scores[..., None], vectors.members_N[place])
        keys.append(best_of(all_keys.masked_fill_(~there, NO_KEY).flatten(1), k))
    return torch.cat(keys)
