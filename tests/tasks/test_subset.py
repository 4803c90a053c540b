"""Fixed subsets: the same items in every language, pairs kept together, and said in words."""

from collections import Counter

import pytest

from dstilts.tasks.examples import ExampleSet, PairExample, SentenceExample
from dstilts.tasks.subset import take


def pairs(language: str, count: int = 50, note: str | None = None) -> ExampleSet:
    examples = tuple(PairExample(str(n), f"{language} {n}", "b", "neutral") for n in range(count))
    return ExampleSet("xnli", "test", language, "local", examples, subset=note)


def test_the_same_items_in_every_language() -> None:
    chosen = [[e.id for e in take(pairs(code), 7, 1).examples] for code in ("de", "sw")]
    assert chosen[0] == chosen[1] == sorted(chosen[0], key=int)
    assert len(chosen[0]) == 7
    assert [e.id for e in take(pairs("de"), 7, 2).examples] != chosen[0]


def test_it_says_what_it_is() -> None:
    assert take(pairs("de"), 7, 1).subset == "7 of 50, drawn with seed 1"
    assert (
        take(pairs("de", note="own split"), 7, 3).subset == "7 of 50, drawn with seed 3; own split"
    )
    whole = pairs("de")
    assert take(whole, 50, 1) is whole
    assert take(whole, None, 1) is whole


def test_translations_stay_together() -> None:
    sentences = tuple(
        SentenceExample(f"{side}-{n}", "x", side, (f"{other}-{n}",))
        for side, other in (("source", "target"), ("target", "source"))
        for n in range(20)
    )
    few = take(ExampleSet("tatoeba", "test", "de", "local", sentences), 5, 1)
    ids = {example.id for example in few.examples}
    assert len(ids) == 10
    assert {match for example in few.examples for match in example.matches} == ids


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("limit", "shares"), [(10, [5, 3, 2]), (7, [4, 2, 1]), (1, [1, 0, 0])])
def test_labels_keep_their_shares(seed: int, limit: int, shares: list[int]) -> None:
    labels = ["c"] * 50 + ["a"] * 30 + ["b"] * 20
    whole = ExampleSet(
        "xnli",
        "test",
        "de",
        "made up",
        tuple(PairExample(str(n), "x", "y", label) for n, label in enumerate(labels)),
    )
    subset = take(whole, limit, seed)
    counts = Counter(example.label for example in subset.examples)
    assert [counts[label] for label in "cab"] == shares
    ids = [int(example.id) for example in subset.examples]
    assert ids == sorted(ids)
    assert limit == 1 or ids != list(range(limit))
