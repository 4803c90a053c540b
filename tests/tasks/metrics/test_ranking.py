"""Average precision at 20 by hand."""

import pytest

from dstilts.tasks.metrics.ranking import average_precision, map_at_20


@pytest.mark.parametrize(
    ("ranked", "right", "expected"),
    [
        ("a", "a", 1.0),
        ("x a", "a", 1 / 2),
        ("x y", "a", 0.0),
        ("", "a", 0.0),
        ("a x b", "a b", (1 + 2 / 3) / 2),
        ("a x", "a b c", 1 / 3),
        ("a a a", "a b", 1 / 2),  # a candidate that comes again is not found again
    ],
)
def test_average_precision(ranked: str, right: str, expected: float) -> None:
    assert average_precision(ranked.split(), set(right.split())) == pytest.approx(expected)


def test_only_the_best_20_count() -> None:
    others = [f"x{i}" for i in range(19)]
    assert average_precision([*others, "a"], {"a"}) == pytest.approx(1 / 20)
    assert average_precision([*others, "x", "a"], {"a"}) == 0.0
    right = [f"r{i}" for i in range(25)]
    assert average_precision(right, set(right)) == pytest.approx(1.0), (
        "20 of 25 are all there can be"
    )


def test_mean_over_the_questions() -> None:
    gold = {"1": {"a"}, "2": {"b"}, "3": {"c"}}
    assert map_at_20(gold, {"1": ["a"], "2": ["x", "b"], "9": ["c"]}) == pytest.approx(50.0)


def test_nothing_right_or_nothing_asked() -> None:
    with pytest.raises(ValueError, match="without a right candidate"):
        map_at_20({"1": set()}, {})
    with pytest.raises(ValueError, match="no question"):
        map_at_20({}, {})
