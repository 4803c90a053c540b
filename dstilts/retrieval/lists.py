"""Lists of neighbours that are found in parts: moved, joined, and merged exactly.

Shapes: Q queries, K neighbours.
"""

from collections.abc import Sequence

import torch

from dstilts.retrieval.search import TopK


def empty(num_queries: int, device: torch.device | str = "cpu") -> TopK:
    """No neighbours yet."""
    return TopK(
        torch.empty(num_queries, 0, device=device),
        torch.empty(num_queries, 0, dtype=torch.int64, device=device),
    )


def moved(found: TopK, first: int) -> TopK:
    """The lists of a part of the corpus whose first vector is number `first` of the whole."""
    return TopK(found.scores, found.indices + first)


def merged(one: TopK, other: TopK, k: int) -> TopK:
    """The `k` best of two lists over disjoint parts of a corpus.

    By score, then by the lowest index: an order without ties, so that the result does not depend
    on the parts or on the order they come in.
    """
    scores = torch.cat([one.scores, other.scores], dim=1)
    indices = torch.cat([one.indices, other.indices], dim=1)
    by_index = indices.argsort(dim=1)
    by_score = scores.gather(1, by_index).argsort(dim=1, descending=True, stable=True)
    order = by_index.gather(1, by_score[:, :k])
    return TopK(scores.gather(1, order), indices.gather(1, order))


def joined(parts: Sequence[TopK]) -> TopK:
    """The lists of all parts of the queries, one below the other."""
    if not parts:
        return empty(0)
    return TopK(torch.cat([p.scores for p in parts]), torch.cat([p.indices for p in parts]))
