"""Rank correlations and their intervals."""

import numpy as np
import pytest

from dstilts.studies.ranks import rank_correlation


def test_the_interval_holds_a_planted_correlation_as_often_as_it_says() -> None:
    rng, trials, r = np.random.default_rng(0), 400, -0.6
    true = 6 / np.pi * np.arcsin(r / 2)  # Spearman's of a normal pair with Pearson's r
    inside = 0
    for _ in range(trials):
        x = rng.normal(size=16)
        found = rank_correlation(x, r * x + np.sqrt(1 - r * r) * rng.normal(size=16))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= true <= found.high
    assert 0.91 <= inside / trials <= 0.98


def test_unrelated_ranks_are_not_called_related() -> None:
    rng, trials = np.random.default_rng(1), 400
    found = [rank_correlation(rng.normal(size=16), rng.normal(size=16)) for _ in range(trials)]
    assert sum(each is not None and each.sign != 0 for each in found) / trials <= 0.075


def test_a_perfect_order_and_too_little_to_rank() -> None:
    found = rank_correlation([1, 2, 3, 4, 5, 6], [1, 4, 9, 16, 25, 36])
    assert found is not None
    assert found.value == pytest.approx(1.0)
    assert found.sign == 1
    assert rank_correlation([1, 2, 3, 4], [1, 2, 3, 4]) is None
    assert rank_correlation([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]) is None
