"""Intervals: against drawing examples one by one, and how often they hold what is true."""

import numpy as np
import pytest

from dstilts.tasks.metrics.bootstrap import interval, paired_difference
from dstilts.tasks.metrics.example_scores import ExampleScores


def scores(above: np.ndarray, below: np.ndarray | None = None, metric: str = "f1") -> ExampleScores:
    below = np.ones(len(above)) if below is None else below
    ids = tuple(map(str, range(len(above))))
    return ExampleScores(metric, ids, above.astype(float), below.astype(float))


def test_the_interval_is_that_of_examples_drawn_one_by_one() -> None:
    random = np.random.default_rng(1)
    below = random.integers(0, 9, 300)
    found = scores(np.minimum(below, random.integers(0, 6, 300)), below)
    draws = random.integers(0, 300, (20_000, 300))
    ratios = 100 * found.numerators[draws].sum(1) / found.denominators[draws].sum(1)
    expected = np.quantile(ratios, [0.025, 0.975])
    ends = interval(found, "a", replicates=20_000)
    width = expected[1] - expected[0]
    assert width > 2
    assert ends == pytest.approx(tuple(expected), abs=0.04 * width)
    assert interval(found, "a", level=0.5)[1] - interval(found, "a", level=0.5)[0] < 0.5 * width


def test_the_same_name_draws_the_same() -> None:
    found = scores(np.arange(50) % 3)
    assert interval(found, "x", 1) == interval(found, "x", 1) != interval(found, "x", 2)


def test_ends_where_there_is_nothing_to_vary() -> None:
    assert interval(scores(np.ones(7)), "a") == (100, 100)
    nothing = np.zeros(7)
    assert interval(scores(nothing, nothing), "a") == (0, 0)
    assert scores(nothing, nothing).value == 0


def test_a_difference_that_is_known_is_within_nineteen_of_twenty_intervals() -> None:
    """Two models of 70 and 75 per cent whose answers agree on most examples."""
    random = np.random.default_rng(5)
    inside = paired_width = alone_width = 0.0
    trials = 400
    for trial in range(trials):
        easy = random.random(200)
        one, other = (easy < 0.75).astype(int), (easy < 0.70).astype(int)
        swapped = random.random(200) < 0.1  # some on which they differ by chance, both ways alike
        one = np.where(swapped, random.random(200) < 0.75, one)
        other = np.where(swapped, random.random(200) < 0.70, other)
        found = paired_difference(scores(one), scores(other), trial)
        assert found.value == pytest.approx(100 * (one.mean() - other.mean()))
        inside += found.low <= 5 <= found.high
        paired_width += found.high - found.low
        low, high = interval(scores(one), trial)
        alone_width += high - low
    assert 0.92 < inside / trials < 0.98
    # What pairing is for: the examples' own difficulty cancels.
    assert paired_width < 0.75 * alone_width


def test_only_the_same_examples_pair() -> None:
    one = scores(np.ones(3))
    other = ExampleScores("f1", ("0", "1", "x"), np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="different examples"):
        paired_difference(one, other, "a")
    with pytest.raises(ValueError, match="different examples or metrics"):
        paired_difference(one, scores(np.ones(3), metric="accuracy"), "a")
    assert paired_difference(one, one, "a") == paired_difference(one, one, "b")
