"""Mining translations: pairs of sentences by the margin of their cosine over their neighbours'.

Shapes: S source sentences, T target sentences, K neighbours, P pairs.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from dstilts.retrieval.margins import Margins, margins
from dstilts.retrieval.matching import greedy_matching
from dstilts.retrieval.search import EXACT, SearchOptions, TopK, mutual_search

NUM_NEIGHBOURS = 4  # LASER's and XTREME's
STRATEGIES = ("max", "intersect", "forward", "backward")

Indices = npt.NDArray[np.int64]


class MinedPairs(NamedTuple):
    """Pairs of rows and their margins, best first."""

    sources_P: Indices
    targets_P: Indices
    scores_P: Margins

    def chosen(self, which: Indices | npt.NDArray[np.bool_]) -> "MinedPairs":
        """Some of the pairs, by their numbers or by a mask."""
        return MinedPairs(self.sources_P[which], self.targets_P[which], self.scores_P[which])


class _Proposals(NamedTuple):
    """Each row of a side, the neighbour of its largest margin, and that margin."""

    best: Indices
    margins: Margins


def mine(
    source_SD: Tensor,
    target_TD: Tensor,
    k: int = NUM_NEIGHBOURS,
    *,
    margin: str = "ratio",
    strategy: str = "max",
    options: SearchOptions = EXACT,
) -> MinedPairs:
    """The pairs of `mined` among the rows of two matrices.

    Args:
        k: neighbours a row; fewer where the other side has fewer.

    Raises:
        ValueError: as `mutual_search` and `mined`.
    """
    return mined(*mutual_search(source_SD, target_TD, k, options), margin, strategy)


def mined(
    forward: TopK, backward: TopK, margin: str = "ratio", strategy: str = "max"
) -> MinedPairs:
    """Pairs from the neighbours of both directions, best first; none where a side is empty.

    Each row of either side proposes the neighbour of its largest margin, of equal ones the nearer.

    - max: from the best proposal of either side down, a pair is taken if both of its rows are free
      and its margin is above 0 (arXiv 1812.10464, and the scripts of XTREME for BUCC).
    - intersect: the pairs that both rows propose.
    - forward, backward: the proposals of the sources, or of the targets, alone.

    Of equal margins the sources' proposals come first, then the lower row. What has a margin that
    is no number (see `margins`) is no pair.

    Raises:
        ValueError: there is no such margin or strategy.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"unknown strategy {strategy!r}; known: {', '.join(STRATEGIES)}")
    if not forward.indices.numel():
        none = np.empty(0, dtype=np.int64)
        return MinedPairs(none, none, np.empty(0))
    forward_SK, backward_TK = margins(forward, backward, margin)
    from_S, from_T = _proposals(forward, forward_SK), _proposals(backward, backward_TK)
    rows_S, rows_T = np.arange(len(from_S.best)), np.arange(len(from_T.best))
    match strategy:
        case "forward":
            return _sorted(rows_S, from_S.best, from_S.margins)
        case "backward":
            return _sorted(from_T.best, rows_T, from_T.margins)
        case "intersect":
            both = from_T.best[from_S.best] == rows_S
            return _sorted(rows_S[both], from_S.best[both], from_S.margins[both])
    pairs = _sorted(
        np.concatenate([rows_S, from_T.best]),
        np.concatenate([from_S.best, rows_T]),
        np.concatenate([from_S.margins, from_T.margins]),
    )
    taken = greedy_matching(pairs.sources_P, pairs.targets_P)
    return pairs.chosen(taken[pairs.scores_P[taken] > 0])


def _proposals(found: TopK, margins_QK: Margins) -> _Proposals:
    chosen = margins_QK.argmax(1)
    rows = np.arange(len(margins_QK))
    return _Proposals(found.indices.cpu().numpy()[rows, chosen], margins_QK[rows, chosen])


def _sorted(sources: Indices, targets: Indices, scores: Margins) -> MinedPairs:
    order = np.argsort(-scores, kind="stable")
    order = order[np.isfinite(scores[order])]
    return MinedPairs(sources[order], targets[order], scores[order])
