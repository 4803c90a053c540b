"""The rules of seqeval 0.0.12, one by one and tag by tag: slow, and easy to check.

Each pair is the prefix before and the prefix at a place; "*" stands for any.
"""

from collections.abc import Iterator, Sequence

Span = tuple[str, int, int]  # type, first tag, last tag

END_PAIRS = "E* S* BB BS BO IB IS IO".split()
BEGIN_PAIRS = "*B *S EE EI SE SI OE OI".split()


def spans(tags: Sequence[str]) -> Iterator[Span]:
    """The spans of one sentence, from left to right."""
    kinds = ["O", *(tag.split("-")[-1] for tag in tags), "O"]
    prefixes = ["O", *(tag[0] for tag in tags), "O"]
    start = 0
    for place in range(1, len(prefixes)):
        before, here = prefixes[place - 1], prefixes[place]
        changes = kinds[place - 1] != kinds[place]
        if _is_one(END_PAIRS, before, here) or (changes and before not in ("O", ".")):
            yield (kinds[place - 1], start, place - 2)
        if _is_one(BEGIN_PAIRS, before, here) or (changes and here not in ("O", ".")):
            start = place - 1


def scores(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, float]:
    """Precision, recall and F1 of the spans of all sentences, in per cent."""
    # As in seqeval, sentences are one sequence with "O" between them: a tag such as "O-X", which
    # no file has, lets a span start in an earlier sentence.
    one, other = (
        set(spans([tag for sentence in side for tag in (*sentence, "O")]))
        for side in (gold, predicted)
    )
    precision = len(one & other) / len(other) if other else 0.0
    recall = len(one & other) / len(one) if one else 0.0
    f1 = 2 * precision * recall / (precision + recall) if one & other else 0.0
    return {"precision": 100 * precision, "recall": 100 * recall, "f1": 100 * f1}


def _is_one(pairs: Sequence[str], before: str, here: str) -> bool:
    return any(pair in pairs for pair in (before + here, before + "*", "*" + here))
