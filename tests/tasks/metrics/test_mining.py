"""Scores of mined pairs, and the threshold."""

import pytest

from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.metrics.mining import best_threshold, gold_pairs, pair_scores


def sources(**matches: str) -> list[SentenceExample]:
    """Sources by name with the one target that each matches, or none."""
    return [
        SentenceExample(name, name, "source", (match,) if match else ())
        for name, match in matches.items()
    ]


def test_sets_of_pairs() -> None:
    gold = [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]
    found = [("a", "A"), ("a", "A"), ("b", "X")]
    assert pair_scores(gold, found) == {
        "f1": pytest.approx(100 / 3),
        "precision": 50.0,
        "recall": 25.0,
    }
    assert pair_scores(gold, []) == {"f1": 0.0, "precision": 0.0, "recall": 0.0}
    with pytest.raises(ValueError, match="without gold pairs"):
        pair_scores([], found)


def test_gold_pairs_are_those_of_the_sources() -> None:
    examples = [*sources(a="A", b=""), SentenceExample("A", "t", "target", ("a",))]
    assert gold_pairs(examples) == {("a", "A")}


def test_the_threshold_lies_between_the_last_good_pair_and_the_next() -> None:
    mined = {"a": ("A", 1.5), "b": ("B", 1.3), "c": ("X", 1.1), "d": ("Y", 1.0)}
    assert best_threshold(sources(a="A", b="B", c="C"), mined) == pytest.approx(1.2)


def test_pairs_come_in_any_order() -> None:
    mined = {"c": ("X", 1.1), "b": ("B", 1.3), "a": ("A", 1.5)}
    assert best_threshold(sources(a="A", b="B", c="C"), mined) == pytest.approx(1.2)


def test_all_pairs_are_good() -> None:
    mined = {"a": ("A", 1.5), "b": ("B", 1.25)}
    assert best_threshold(sources(a="A", b="B"), mined) == 1.25, "the last pair stays in"


def test_a_wrong_pair_on_the_way_is_taken_along() -> None:
    mined = {"x": ("X", 1.6), "a": ("A", 1.5), "b": ("B", 1.4), "y": ("Y", 1.0)}
    assert best_threshold(sources(a="A", b="B", x=""), mined) == pytest.approx(1.2)


def test_no_pair_is_right() -> None:
    assert best_threshold(sources(a="A"), {"a": ("X", 1.5)}) == 0.0
    assert best_threshold(sources(a="A"), {}) == 0.0
