"""The scores of mined pairs, and the threshold that is best on a development set (BUCC 2018)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

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


def unambiguous(examples: Iterable[SentenceExample]) -> set[str]:
    """The ids of the sentences whose text stands once on its side.

    BUCC's rule for duplicates: the gold pairs do not tell which of several equal sentences is
    meant, so the official script drops all mined pairs with one of them.
    """
    given = list(examples)
    counts = Counter((example.side, example.text) for example in given)
    return {example.id for example in given if counts[example.side, example.text] == 1}


def gold_pairs(examples: Iterable[SentenceExample]) -> set[Pair]:
    """The pairs of each source and what it matches."""
    return {(e.id, match) for e in examples if e.side == "source" for match in e.matches}


def best_threshold(
    examples: Iterable[SentenceExample], mined: Mapping[str, Sequence[str | float]]
) -> float:
    """The score from which on mined pairs have the highest F1; 0 where no pair is right.

    It lies in the middle between the last pair that is taken and the next one. The official script
    fails where all pairs are to be taken; here the last one's own score is the threshold then.

    Args:
        examples: with the gold pairs.
        mined: for a source's id the target's id and the score.
    """
    gold = gold_pairs(examples)
    pairs = sorted(mined.items(), key=lambda item: -float(item[1][1]))
    scores = [float(found[1]) for _, found in pairs]
    best, threshold, hits = 0.0, 0.0, 0
    for number, (source, found) in enumerate(pairs, start=1):
        hits += (source, found[0]) in gold
        f1 = 2 * hits / (number + len(gold))
        if f1 > best:
            following = scores[number] if number < len(scores) else scores[number - 1]
            best, threshold = f1, (scores[number - 1] + following) / 2
    return threshold
