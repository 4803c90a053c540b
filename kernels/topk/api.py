"""Exact nearest neighbours by inner product or cosine: checks the input and runs a back end.

What every back end keeps to: scores are computed in float64 and rounded to float32 once; results
are sorted by score, of equal scores the lowest index comes first; there are min(k, N) of them, so
none for an empty corpus. With `approximate` neighbours may be missing, but scores are those.

Shapes: Q queries, N corpus vectors, D dimensions, K = min(k, N) results of a query.
"""

from typing import Literal

import torch
from torch import Tensor

from dstilts_kernels.topk import choice, exact, native, reference
from dstilts_kernels.topk.exact import Vectors
from dstilts_kernels.topk.margins import margins as margins
from dstilts_kernels.topk.reference import TopK as TopK

Metric = Literal["inner_product", "cosine"]

_FAST_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
_BLOCK_ROWS = 4096
# Products of longer vectors may be beyond fp32; those are summed in float64 at once.
_MAX_PRODUCT = 2.0**100


def topk(
    queries_QD: Tensor,
    corpus_ND: Tensor,
    k: int,
    *,
    metric: Metric = "inner_product",
    approximate: bool = False,
    precision: str | None = None,
    backend: str | None = None,
) -> TopK:
    """The best K corpus vectors of each query: scores (Q, K) float32 and indices (Q, K) int64.

    Args:
        approximate: takes the best candidates of the first pass without proving them.
        precision: of the first pass: "fp32", "bf16", "fp16" or "int8" (default: what is fastest
            on the back end and proves nearly all rows).
        backend: "native", "triton", "torch" or "reference" (default: the fastest for the device).

    Raises:
        ValueError: shapes that do not fit, k below 1, a back end or precision that there is not, a
            number that is not finite or, for cosines, a zero vector (the message names the row).
    """
    forward, _ = _search(
        queries_QD, corpus_ND, k, metric, approximate, precision, backend, columns=False
    )
    return forward


def mutual_topk(
    queries_QD: Tensor,
    corpus_ND: Tensor,
    k: int,
    *,
    metric: Metric = "inner_product",
    approximate: bool = False,
    precision: str | None = None,
    backend: str | None = None,
) -> tuple[TopK, TopK]:
    """`topk` in both directions in one pass: (Q, min(k, N)) and (N, min(k, Q)).

    A pair has the same score in both.

    Raises:
        ValueError: as `topk`.
    """
    forward, backward = _search(
        queries_QD, corpus_ND, k, metric, approximate, precision, backend, columns=True
    )
    assert backward is not None
    return forward, backward


def _search(
    queries_QD: Tensor,
    corpus_ND: Tensor,
    k: int,
    metric: Metric,
    approximate: bool,
    precision: str | None,
    backend: str | None,
    columns: bool,
) -> tuple[TopK, TopK | None]:
    _check(queries_QD, corpus_ND, k, metric)
    x, y = _prepared(queries_QD), _prepared(corpus_ND)
    wide = torch.promote_types(x.dtype, y.dtype)
    if x.device.type == "cpu" and backend != "triton":
        wide = torch.promote_types(wide, torch.float32)  # once, and not in each of the passes
    x, y = x.to(wide), y.to(wide)
    lengths_Q = _checked_lengths("queries", x, metric)
    lengths_N = _checked_lengths("corpus", y, metric)
    by_reference = backend == choice.REFERENCE or (backend is None and wide == torch.float64)
    if not by_reference:
        engine, precision = choice.choose(backend, precision, x.device, k, x.shape[1])
        if wide == torch.float64:
            raise ValueError(f"the {engine.name} back end takes no float64 vectors; reference does")
    if not len(x) or not len(y):
        return _nothing(x, y, k), _nothing(y, x, k) if columns else None
    scales_Q, scales_N = (1 / lengths_Q, 1 / lengths_N) if metric == "cosine" else (None, None)
    sides = Vectors(x, scales_Q), Vectors(y, scales_N)
    if by_reference:
        return _by_reference(*sides, k, columns)
    if scales_Q is None and float(lengths_Q.max() * lengths_N.max()) > _MAX_PRODUCT:
        return _by_float64(*sides, k, columns)
    return exact.search(engine, *sides, k, precision, columns, approximate)


def _prepared(vectors: Tensor) -> Tensor:
    vectors = vectors.detach()
    if vectors.dtype not in (*_FAST_DTYPES, torch.float64):
        raise ValueError(f"vectors must be of floating-point numbers, not {vectors.dtype}")
    return vectors.contiguous()


def _check(queries_QD: Tensor, corpus_ND: Tensor, k: int, metric: str) -> None:
    if queries_QD.dim() != 2 or corpus_ND.dim() != 2 or queries_QD.shape[1] != corpus_ND.shape[1]:
        raise ValueError(
            f"queries {tuple(queries_QD.shape)} and corpus {tuple(corpus_ND.shape)} must be "
            "matrices of the same number of columns"
        )
    if queries_QD.device != corpus_ND.device:
        raise ValueError(
            f"queries are on {queries_QD.device} and the corpus is on {corpus_ND.device}"
        )
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if metric not in ("inner_product", "cosine"):
        raise ValueError(f"unknown metric {metric!r}; there are inner_product, cosine")


def _checked_lengths(name: str, vectors: Tensor, metric: str) -> Tensor:
    """The lengths (N,) float64, after a look at whether the vectors can be searched."""
    lengths = _lengths(vectors)
    # Host-device syncs, one or two for each side of a search.
    broken = (~_finite(vectors, lengths)).nonzero()
    if len(broken):
        raise ValueError(f"row {int(broken[0])} of the {name} has a number that is not finite")
    zero = (lengths == 0).nonzero() if metric == "cosine" else ()
    if len(zero):
        raise ValueError(f"row {int(zero[0])} of the {name} is zero and has no direction")
    return lengths


def _finite(vectors: Tensor, lengths: Tensor) -> Tensor:
    return torch.isfinite(vectors).all(1) if vectors.dtype == torch.float64 else lengths.isfinite()


def _lengths(vectors: Tensor) -> Tensor:
    """Lengths in float64. The square of an fp32 number cannot overflow there, so they are finite
    just when all numbers of a vector are."""
    if vectors.dtype == torch.float32 and vectors.device.type == "cpu":
        lengths = native.lengths(vectors)
        if lengths is not None:
            return lengths
    blocks = [torch.linalg.vector_norm(rows.double(), dim=1) for rows in vectors.split(_BLOCK_ROWS)]
    return torch.cat(blocks)


def _by_reference(x: Vectors, y: Vectors, k: int, columns: bool) -> tuple[TopK, TopK | None]:
    arguments = x.vectors, y.vectors, k, x.scales, y.scales
    return reference.mutual_topk(*arguments) if columns else (reference.topk(*arguments), None)


def _by_float64(x: Vectors, y: Vectors, k: int, columns: bool) -> tuple[TopK, TopK | None]:
    return exact.search_float64(x, y, k), exact.search_float64(y, x, k) if columns else None


def _nothing(x: Tensor, y: Tensor, k: int) -> TopK:
    """The results where one side is empty: of the right shape, without a number."""
    scores = torch.empty(len(x), min(k, len(y)), device=x.device)
    return TopK(scores, scores.long())
