"""The exact answer that every back end is held to: blocked, in float64, ties by the lowest index.

Beside the neighbours the margins: means of float64, summed from the best neighbour to the last.

Shapes: Q queries, N corpus vectors, D dimensions, K results of a query.
"""

from typing import NamedTuple

import torch
from torch import Tensor

# The scores of one block are 2048 x 8192 float64 numbers: 128 MiB.
_BLOCK_QUERIES = 2048
_BLOCK_CORPUS = 8192


class TopK(NamedTuple):
    """The best results of each query, best first; of equal scores the lowest index first."""

    scores: Tensor  # (Q, K) float32
    indices: Tensor  # (Q, K) int64


def topk(
    queries_QD: Tensor,
    corpus_ND: Tensor,
    k: int,
    scales_Q: Tensor | None = None,
    scales_N: Tensor | None = None,
) -> TopK:
    """For each query the min(k, N) corpus vectors of the largest inner product.

    Args:
        scales_Q, scales_N: what each vector is multiplied with, for cosines 1 / length in float64.
    """
    blocks = queries_QD.split(_BLOCK_QUERIES)
    rows = [_none(len(block_QD), block_QD.device) for block_QD in blocks]
    first_column = 0
    for columns_ND in corpus_ND.split(_BLOCK_CORPUS):
        block_scales_N = _part(scales_N, first_column, columns_ND)
        first_row = 0
        for number, block_QD in enumerate(blocks):
            block_scales_Q = _part(scales_Q, first_row, block_QD)
            scores_QN = inner_products(block_QD, block_scales_Q, columns_ND, block_scales_N)
            rows[number] = _better(rows[number], scores_QN, first_column, k)
            first_row += len(block_QD)
        first_column += len(columns_ND)
    return _joined(rows)


def mutual_topk(
    queries_QD: Tensor,
    corpus_ND: Tensor,
    k: int,
    scales_Q: Tensor | None = None,
    scales_N: Tensor | None = None,
) -> tuple[TopK, TopK]:
    """`topk` of each query in the corpus, and of each corpus vector in the queries.

    Each score is computed once, so a pair has the same score in both results.
    """
    blocks = queries_QD.split(_BLOCK_QUERIES)
    rows = [_none(len(block_QD), block_QD.device) for block_QD in blocks]
    columns = []
    first_column = 0
    for columns_ND in corpus_ND.split(_BLOCK_CORPUS):
        block_scales_N = _part(scales_N, first_column, columns_ND)
        column = _none(len(columns_ND), columns_ND.device)
        first_row = 0
        for number, block_QD in enumerate(blocks):
            block_scales_Q = _part(scales_Q, first_row, block_QD)
            scores_QN = inner_products(block_QD, block_scales_Q, columns_ND, block_scales_N)
            rows[number] = _better(rows[number], scores_QN, first_column, k)
            column = _better(column, scores_QN.T, first_row, k)
            first_row += len(block_QD)
        columns.append(column)
        first_column += len(columns_ND)
    return _joined(rows), _joined(columns)


def margins(forward: TopK, backward: TopK, kind: str) -> tuple[Tensor, Tensor]:
    """See `margins.margins`."""
    means_Q, means_N = _means(forward), _means(backward)
    return (
        _margins(forward, means_Q, means_N, kind),
        _margins(backward, means_N, means_Q, kind),
    )


def _means(found: TopK) -> Tensor:
    sums = torch.zeros(len(found.scores), dtype=torch.float64, device=found.scores.device)
    for scores in found.scores.unbind(1):
        sums += scores.double()
    return sums / found.scores.shape[1]


def _margins(found: TopK, own: Tensor, others: Tensor, kind: str) -> Tensor:
    scores = found.scores.double()
    if kind == "absolute":
        return scores
    around = (own[:, None] + others[found.indices]) / 2
    return scores / around if kind == "ratio" else scores - around


def inner_products(
    queries_QD: Tensor, scales_Q: Tensor | None, corpus_ND: Tensor, scales_N: Tensor | None
) -> Tensor:
    """Scores (Q, N) in float32, summed and scaled in float64.

    A product's last bits depend on where in a block it stands. Rounding a float64 sum hides that,
    so equal vectors have equal scores and ties are ties. Scaling comes after the sum: where terms
    cancel, as for vectors of small whole numbers, the sum is then exact.
    """
    scores_QN = queries_QD.double() @ corpus_ND.double().T
    if scales_Q is not None and scales_N is not None:
        scores_QN *= scales_Q[:, None] * scales_N
    return scores_QN.float()


def _part(scales: Tensor | None, first: int, block: Tensor) -> Tensor | None:
    return None if scales is None else scales[first : first + len(block)]


def _better(best: TopK, scores_QN: Tensor, first: int, k: int) -> TopK:
    """The k best of `best` and of a block whose first column has the index `first`."""
    indices_QN = torch.arange(first, first + scores_QN.shape[1], device=scores_QN.device)
    scores = torch.cat([best.scores, scores_QN], dim=1)
    indices = torch.cat([best.indices, indices_QN.expand(len(scores), -1)], dim=1)
    # Candidates stand in the order of their indices among equal scores; a stable sort keeps that.
    scores, order = scores.sort(dim=1, descending=True, stable=True)
    return TopK(scores[:, :k], indices.gather(1, order[:, :k]))


def _none(num_queries: int, device: torch.device) -> TopK:
    return TopK(
        torch.empty(num_queries, 0, device=device),
        torch.empty(num_queries, 0, dtype=torch.int64, device=device),
    )


def _joined(parts: list[TopK]) -> TopK:
    return TopK(torch.cat([p.scores for p in parts]), torch.cat([p.indices for p in parts]))
