"""Margins: how far a pair's score stands out from those of both vectors' other neighbours.

Shapes: Q queries, N corpus vectors, K neighbours of a vector.
"""

import importlib.util
from typing import Literal, get_args

import torch
from torch import Tensor

from dstilts_kernels.topk import choice, native, native_margins, reference
from dstilts_kernels.topk.reference import TopK

MarginKind = Literal["ratio", "distance", "absolute"]
_NAMES = ("native", "triton", choice.REFERENCE)


def margins(
    forward: TopK, backward: TopK, kind: MarginKind = "ratio", *, backend: str | None = None
) -> tuple[Tensor, Tensor]:
    """The margins (Q, K) and (N, K) float64 of the pairs that a mutual search found.

    With a, the pair's score, and b, the mean of its vectors' mean scores with their neighbours:
    a / b for "ratio", a - b for "distance", a for "absolute" (arXiv 1811.01136). All in float64;
    where b is 0 a ratio is infinite, or no number. On a CPU all back ends give the same bits.

    Args:
        backend: "native" (CPU), "triton" (GPU) or "reference" (default: what is fastest).

    Raises:
        ValueError: an unknown kind, or a back end that there is not for these tensors.
    """
    if kind not in get_args(MarginKind):
        raise ValueError(f"unknown margin {kind!r}; there are {', '.join(get_args(MarginKind))}")
    backend = backend or _fastest(forward.scores.device)
    if backend not in _NAMES:
        raise ValueError(f"no margin back end {backend!r}; there are {', '.join(_NAMES)}")
    if backend == "triton":
        from dstilts_kernels.topk import triton_pairs

        return triton_pairs.margins(forward, backward, kind)
    if backend == "native":
        return native_margins.margins(forward, backward, get_args(MarginKind).index(kind))
    return reference.margins(forward, backward, kind)


def _fastest(device: torch.device) -> str:
    if device.type == "cuda" and importlib.util.find_spec("triton") is not None:
        return "triton"
    return "native" if device.type == "cpu" and native.library() is not None else choice.REFERENCE
