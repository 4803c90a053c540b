"""The scores of mined pairs, and the threshold that is best on a development set (BUCC 2018)."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from dstilts.tasks.examples import SentenceExample

Pair = tuple[str, str]  # the ids of a source and a target


def pair_scores(gold: Iterable[Pair], found: Iterable[Pair]) -> dict[str, float]:
    """`f1`, `precision` and `recall` of a set of pairs in per cent; 0 where nothing is right.

    Raises:
        ValueError: there is no gold pair.
    """
    wanted, given = set(gold), set(found)
    if not wanted:
        raise ValueError("mining without gold pairs")
    hits = len(wanted & given)
    return {
        "f1": 200 * hits / (len(wanted) + len(given)),
        "precision": 100 * hits / len(given) if given else 0.0,
        "recall": 100 * hits / len(wanted),
    }


def gold_pairs(examples: Iterable[SentenceExample]) -> set[Pair]:
    """The pairs of each source and what it matches."""
    return {(e.id, match) for e in examples if e.side == "source" for match in e.matches}


def best_threshold(
    examples: Iterable[SentenceExample], mined: Mapping[str, Sequence[str | float]]
) -> float:
    """The score from which on mined pairs have the highest F1; 0 where no pair is right.

    See `walked_threshold`.

    Args:
        examples: with the gold pairs.
        mined: for a source's id the target's id and the score.
    """
    gold = gold_pairs(examples)
    pairs = sorted(mined.items(), key=lambda item: -float(item[1][1]))
    scores = np.array([float(found[1]) for _, found in pairs])
    hits = np.array([(source, found[0]) in gold for source, found in pairs], dtype=bool)
    return walked_threshold(scores, hits, len(gold))


def walked_threshold(
    scores_P: npt.NDArray[np.float64], hits_P: npt.NDArray[np.bool_], num_gold: int
) -> float:
    """The official walk: down the pairs, to the first place where the F1 so far is the highest.

    The threshold lies in the middle between the last pair that is taken and the next one. The
    official script fails (IndexError) where all pairs are to be taken; here the last one's own
    score is the threshold then.

    Args:
        scores_P: best first.
        hits_P: whether each pair is a gold one.
    """
    if not hits_P.any():
        return 0.0
    right_P = np.cumsum(hits_P)
    precision_P = right_P / np.arange(1, len(hits_P) + 1)
    recall_P = right_P / num_gold
    with np.errstate(invalid="ignore"):
        # In the official script's order of operations: F1s that are equal but for rounding decide.
        f1_P = 2 * precision_P * recall_P / (precision_P + recall_P)
    last = int(np.nanargmax(f1_P))
    return float((scores_P[last] + scores_P[min(last + 1, len(scores_P) - 1)]) / 2)
