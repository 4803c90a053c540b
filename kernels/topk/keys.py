"""The order of results as one number a result: score and index in an int64 key.

A larger key is a better result: the larger score or, of equal scores, the lower index. No two keys
of a row are equal, so the best K are the same whatever the order they are met in.

Shapes: Q queries, C candidates, K results of a query.
"""

import torch
from torch import Tensor

NO_KEY = -(2**63)  # below every result
_LOW_BITS = 2**32 - 1


def keys_of(scores_QC: Tensor, indices_QC: Tensor) -> Tensor:
    """The keys (Q, C) int64 of float32 scores and of indices below 2**32."""
    # The bits of positive floats ascend as integers do, those of negative ones descend.
    bits = (scores_QC + 0.0).view(torch.int32)  # -0 is 0
    return (_flip(bits).to(torch.int64) << 32) | (_LOW_BITS - indices_QC)


def best_of(keys_QC: Tensor, k: int) -> Tensor:
    """The k best keys of each row, best first, or all where there are fewer."""
    return keys_QC.topk(min(k, keys_QC.shape[1]), dim=1).values


def results_of(keys_QK: Tensor) -> tuple[Tensor, Tensor]:
    """The scores (Q, K) float32 and indices (Q, K) int64 of keys."""
    scores_QK = _flip((keys_QK >> 32).to(torch.int32)).view(torch.float32)
    return scores_QK, _LOW_BITS - (keys_QK & _LOW_BITS)


def _flip(bits: Tensor) -> Tensor:
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)
