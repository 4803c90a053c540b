"""Mining translations: pairs of sentences by the margin of their cosine over their neighbours'.

Shapes: S source sentences, T target sentences, K neighbours.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from dstilts.retrieval.search import TopK, mutual_search

NUM_NEIGHBOURS = 4  # LASER's and XTREME's


@dataclass(frozen=True)
class MinedPair:
    """A source row, a target row, and the ratio margin of their cosine."""

    source: int
    target: int
    score: float


def mine(source_SD: Tensor, target_TD: Tensor, k: int = NUM_NEIGHBOURS) -> list[MinedPair]:
    """Pairs in which no row stands twice, best first: LASER's ratio margin, strategy "max".

    Each row of either side proposes the neighbour of its largest margin: the cosine over the mean
    of both rows' mean cosines to their neighbours. From the best proposal down, a pair is taken if
    both of its rows are free, and only margins above 0 count (arXiv 1812.10464, and the scripts of
    XTREME for BUCC).

    Args:
        k: neighbours a row; fewer where the other side has fewer.

    Raises:
        ValueError: as `mutual_search`.
    """
    if not len(source_SD) or not len(target_TD):
        return []
    forward, backward = mutual_search(source_SD, target_TD, k)
    means_S, means_T = _means(forward), _means(backward)
    rows_S, best_S, margins_S = _proposals(forward, means_S, means_T)
    rows_T, best_T, margins_T = _proposals(backward, means_T, means_S)
    # Forward proposals first: of equal margins the first is taken.
    sources = np.concatenate([rows_S, best_T])
    targets = np.concatenate([best_S, rows_T])
    margins = np.concatenate([margins_S, margins_T])
    taken_S, taken_T = np.zeros(len(means_S), bool), np.zeros(len(means_T), bool)
    pairs = []
    for index in np.argsort(-margins, kind="stable").tolist():
        source, target, margin = int(sources[index]), int(targets[index]), float(margins[index])
        if margin <= 0:
            break
        if not taken_S[source] and not taken_T[target]:
            taken_S[source] = taken_T[target] = True
            pairs.append(MinedPair(source, target, margin))
    return pairs


def _means(found: TopK) -> npt.NDArray[np.float64]:
    means: npt.NDArray[np.float64] = found.scores.double().mean(1).cpu().numpy()
    return means


def _proposals(
    found: TopK, own: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """For each row its number, the neighbour of the largest margin, and that margin."""
    scores, indices = found.scores.double().cpu().numpy(), found.indices.cpu().numpy()
    margins = scores / ((own[:, None] + others[indices]) / 2)
    best = margins.argmax(1)
    rows = np.arange(len(own))
    return rows, indices[rows, best], margins[rows, best]
