"""From a fast approximate pass to proven answers.

A first pass in low precision keeps more candidates than asked for, their scores are computed
exactly, and a row whose k-th exact score is above what any dropped vector can reach is proven. The
few other rows are searched again: in fp32, and at last in float64.

Shapes: Q queries, N corpus vectors, D dimensions, K = min(k, N) results of a query.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from dstilts_kernels.topk.backend import Backend, Candidates
from dstilts_kernels.topk.duplicates import distinct, expanded
from dstilts_kernels.topk.keys import best_of, keys_of, results_of
from dstilts_kernels.topk.reference import TopK, inner_products

# Numbers finished at a time. Torch runs larger operations on all cores of a CPU, whose threads then
# spin for work in vain; a GPU is better off with few large ones.
_FINISHED_CPU = 2**15
_FINISHED_GPU = 2**24
# A block of the last resort: 1024 x 8192 float64 numbers, 64 MiB.
_BLOCK_QUERIES = 1024
_BLOCK_CORPUS = 8192


class Vectors(NamedTuple):
    """One side of a search: vectors (N, D) and what each is multiplied with, or None."""

    vectors: Tensor
    scales: Tensor | None

    def take(self, rows: Tensor) -> "Vectors":
        """The vectors of those rows."""
        return Vectors(self.vectors[rows], None if self.scales is None else self.scales[rows])

    def block(self, start: int, size: int) -> "Vectors":
        """The vectors [start, start + size)."""
        rows = slice(start, start + size)
        return Vectors(self.vectors[rows], None if self.scales is None else self.scales[rows])


def kept(k: int, precision: str) -> int:
    """Candidates a row of the first pass, so that nearly all rows are proven by them."""
    return {
        "int8": max(3 * k, k + 8),
        "bf16": max(2 * k, k + 4),
        "fp16": k + 4,
        "fp32": k + 2,
    }[precision]


def search(
    backend: Backend,
    x: Vectors,
    y: Vectors,
    k: int,
    precision: str,
    columns: bool,
    approximate: bool = False,
) -> tuple[TopK, TopK | None]:
    """The best K of y for each row of x and, with `columns`, of x for each row of y.

    Args:
        approximate: gives the best of the first pass's candidates without proof.
    """
    forward, backward = backend.candidates(
        x.vectors, y.vectors, kept(k, precision), precision, columns, x.scales, y.scales
    )
    return (
        _finished(backend, x, y, k, precision, forward, approximate),
        None if backward is None else _finished(backend, y, x, k, precision, backward, approximate),
    )


def search_float64(x: Vectors, y: Vectors, k: int) -> TopK:
    """The answer from all products in float64."""
    keys = []
    for start in range(0, len(x.vectors), _BLOCK_QUERIES):
        x_rows = x.block(start, _BLOCK_QUERIES)
        best = torch.empty(len(x_rows.vectors), 0, dtype=torch.int64, device=x.vectors.device)
        for first in range(0, len(y.vectors), _BLOCK_CORPUS):
            scores = inner_products(*x_rows, *y.block(first, _BLOCK_CORPUS))
            places = torch.arange(first, first + scores.shape[1], device=scores.device)
            best = best_of(torch.cat([best, best_of(keys_of(scores, places), k)], dim=1), k)
        keys.append(best)
    return TopK(*results_of(torch.cat(keys)))


def _finished(
    backend: Backend,
    x: Vectors,
    y: Vectors,
    k: int,
    precision: str,
    found: Candidates,
    approximate: bool,
) -> TopK:
    """Exact scores for the candidates, and another search for the rows that are not proven."""
    best, open_rows = _rescored(backend, x, y, k, found)
    if not approximate and len(open_rows):
        _put(best, open_rows, _searched_again(backend, x.take(open_rows), y, k, precision))
    return best


def _put(best: TopK, rows: Tensor, found: TopK) -> None:
    best.scores[rows], best.indices[rows] = found


def _rescored(
    backend: Backend, x: Vectors, y: Vectors, k: int, found: Candidates
) -> tuple[TopK, Tensor]:
    """The best candidates, and the rows that these are not proven for."""
    scores = backend.rescore(x.vectors, y.vectors, x.scales, y.scales, found.indices)
    # What was dropped scores at most this; rounded as scores are, since rounding keeps the order.
    dropped = found.scores[:, -1].double().add_(found.error).float()
    if found.indices.shape[1] == len(y.vectors):  # nothing was dropped
        dropped.fill_(-torch.inf)
    best, proven = [], []
    size = _FINISHED_CPU if scores.device.type == "cpu" else _FINISHED_GPU
    rows = max(1, size // found.indices.shape[1])
    for part in zip(
        scores.split(rows), found.indices.split(rows), dropped.split(rows), strict=True
    ):
        best.append(results_of(best_of(keys_of(part[0], part[1]), k)))
        # An equal score does not do: its index may be the lower one.
        proven.append(best[-1][0][:, -1] > part[2])
    result = TopK(*(torch.cat(parts) for parts in zip(*best, strict=True)))
    return result, (~torch.cat(proven)).nonzero()[:, 0]  # a host-device sync


def _searched_again(backend: Backend, x: Vectors, y: Vectors, k: int, precision: str) -> TopK:
    """The answer for rows that a first pass left open.

    Many near-equal vectors leave rows open, and the commonest of those are equal ones. So equal
    vectors are searched for, and with, only once.
    """
    same_x, same_y = distinct(x.vectors), distinct(y.vectors)
    few_x = x if same_x is None else x.take(same_x.first_M)
    few_y = y if same_y is None else y.take(same_y.first_M)
    best = _searched_finer(backend, few_x, few_y, k, precision)
    if same_y is not None:
        best = TopK(*results_of(expanded(*best, same_y, k)))
    return best if same_x is None else TopK(*(part[same_x.group_N] for part in best))


def _searched_finer(backend: Backend, x: Vectors, y: Vectors, k: int, precision: str) -> TopK:
    """The answer by fp32 where that proves it, by float64 elsewhere."""
    if precision == "fp32" or "fp32" not in backend.precisions:
        return search_float64(x, y, k)
    found, _ = backend.candidates(x.vectors, y.vectors, k + 12, "fp32", False, x.scales, y.scales)
    best, open_rows = _rescored(backend, x, y, k, found)
    if len(open_rows):
        _put(best, open_rows, search_float64(x.take(open_rows), y, k))
    return best
