"""Exact nearest neighbours by cosine: the one place that calls the search kernels for it.

Shapes: Q queries, N corpus vectors, D dimensions, K = min(k, N) results of a query.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dstilts_kernels.topk import api
from dstilts_kernels.topk.api import TopK as TopK


@dataclass(frozen=True)
class SearchOptions:
    """How a search is run; the answer of an exact one does not depend on it."""

    backend: str | None = None
    """A back end of the kernels; None: the fastest that is there."""
    precision: str | None = None
    """Of the kernels' first pass; None: the back end's best."""
    approximate: bool = False
    """Without the proof, and the repair, of what the first pass may have missed."""

    @property
    def keywords(self) -> dict[str, Any]:
        """The options as the kernels take them."""
        return {
            "metric": "cosine",
            "backend": self.backend,
            "precision": self.precision,
            "approximate": self.approximate,
        }


EXACT = SearchOptions()


def search(queries_QD: Tensor, corpus_ND: Tensor, k: int, options: SearchOptions = EXACT) -> TopK:
    """The K corpus vectors of the largest cosine for each query, best first.

    Of equal cosines the lowest index comes first; an empty corpus gives no results.

    Raises:
        ValueError: k is below 1, the numbers of dimensions differ, a number is not finite, a vector
            is zero and so has no direction (the message names the row), or there is no such back
            end or precision.
    """
    return api.topk(queries_QD, corpus_ND, k, **options.keywords)


def mutual_search(
    queries_QD: Tensor, corpus_ND: Tensor, k: int, options: SearchOptions = EXACT
) -> tuple[TopK, TopK]:
    """`search` of the queries in the corpus and of the corpus in the queries, in one pass.

    A pair has the same score in both results.

    Raises:
        ValueError: as `search`.
    """
    return api.mutual_topk(queries_QD, corpus_ND, k, **options.keywords)


def first_unusable(vectors_ND: Tensor) -> tuple[int, str] | None:
    """The first row that no cosine can be taken of, and what is wrong with it; None: all can.

    Searches in parts use it before they begin, because a part's own check does not know where in
    the whole its rows stand.
    """
    broken_N = ~torch.isfinite(vectors_ND).all(dim=1)
    bad_N = broken_N | ~vectors_ND.any(dim=1)
    if not bad_N.any():  # a host-device sync
        return None
    row = int(bad_N.nonzero()[0, 0])
    return row, "has a number that is not finite" if broken_N[
        row
    ] else "is zero and has no direction"
