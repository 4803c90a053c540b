"""Sizes of scaling curves: nested, in shares of labels, questions with their candidates."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstilts.core.errors import UserError
from dstilts.tasks.examples import ExampleSet, PairExample, SentenceExample, TextExample
from dstilts.tasks.transform.size import Size, resized, sizes
from tests.tasks.transform.conftest import MakeSet


def pairs(labels: list[str], language: str = "en") -> ExampleSet:
    examples = tuple(PairExample(str(n), "a", "b", label) for n, label in enumerate(labels))
    return ExampleSet("mnli", "train", language, "local", examples)


def test_a_log_grid() -> None:
    assert sizes(100, 10_000, 5) == (100, 316, 1000, 3162, 10_000)
    assert sizes(1, 3, 8) == (1, 2, 3)
    for wrong in ((0, 3, 4), (4, 3, 4), (1, 3, 1)):
        with pytest.raises(ValueError, match="must be"):
            sizes(*wrong)


@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=60),
    st.integers(0, 3),
    st.booleans(),
)
def test_smaller_sets_are_in_larger_ones(labels: list[str], seed: int, by_label: bool) -> None:
    whole = pairs(labels)
    parts = [
        [e.id for e in resized(whole, Size(size, by_label, seed)).examples]
        for size in range(1, len(whole) + 1)
    ]
    assert [len(part) for part in parts] == list(range(1, len(whole) + 1))
    assert all(part == sorted(part, key=int) for part in parts)
    for smaller, larger in itertools.pairwise(parts):
        assert set(smaller) < set(larger)


@given(st.lists(st.sampled_from("aaab"), min_size=1, max_size=80), st.integers(1, 80))
def test_labels_keep_their_shares(labels: list[str], size: int) -> None:
    whole = pairs(labels)
    part = resized(whole, Size(size, by_label=True))
    count = Counter(e.label for e in part.examples if isinstance(e, PairExample))
    for label, number in Counter(labels).items():
        assert abs(count[label] - number * len(part) / len(whole)) <= 1


def test_a_rare_label_stays_rare() -> None:
    part = resized(pairs(["a"] * 90 + ["b"] * 10), Size(20, by_label=True))
    labels = Counter(e.label for e in part.examples if isinstance(e, PairExample))
    assert labels == {"a": 18, "b": 2}


def test_the_same_items_in_every_language() -> None:
    chosen = [[e.id for e in resized(pairs(["x"] * 50, c), Size(7)).examples] for c in ("de", "sw")]
    assert chosen[0] == chosen[1]
    assert [e.id for e in resized(pairs(["x"] * 50), Size(7, seed=2)).examples] != chosen[0]


def test_questions_go_with_their_candidates(make_set: MakeSet) -> None:
    sentences = [
        *(SentenceExample(f"q{n}", "x", "source", (f"c{n}",)) for n in range(20)),
        *(SentenceExample(f"c{n}", "x", "target", (f"q{n}",)) for n in range(40)),
    ]
    part = resized(make_set("lareqa", sentences), Size(5))
    ids = {example.id for example in part.examples}
    kept = {name for name in ids if name.startswith("q")}
    assert len(kept) == 5
    assert {f"c{name[1:]}" for name in kept} <= ids
    assert len(ids) == 5 + 5 + 5


def test_it_says_what_it_is() -> None:
    whole = pairs(["x"] * 9)
    assert resized(whole, Size(9)) is whole
    assert resized(whole, Size(4, seed=3)).subset == "4 of 9, drawn with seed 3, nested"
    by_label = resized(whole, Size(4, by_label=True))
    assert by_label.subset == "4 of 9, drawn by label with seed 1, nested"


def test_mistakes(make_set: MakeSet) -> None:
    with pytest.raises(ValueError, match="examples must be greater than 0"):
        Size(0)
    with pytest.raises(UserError, match="mlm is not one"):
        resized(make_set("mlm", map(TextExample, "ab", "ab")), Size(1, by_label=True))
