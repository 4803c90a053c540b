"""Lines and curves over the size: planted parameters come back within their intervals."""

import numpy as np
import pytest

from dstilts.studies.fits import curve_fit, line_fit

SIZES = np.repeat([50, 100, 200, 400, 800, 1600], 2)
TRIALS = 150
NOISE = 1.0


def noisy(name: str, values: np.ndarray) -> list[np.ndarray]:
    rng = np.random.default_rng(len(name))
    return [values + rng.normal(0, NOISE, len(values)) for _ in range(TRIALS)]


def test_a_planted_curve_is_recovered_with_the_stated_coverage() -> None:
    # y = 80 - 120 / sqrt(n): a ceiling of 80, and 2.4 points a doubling at n = 215.
    values = 80 - 120 * SIZES**-0.5
    # A doubling at n gives 120 n^-0.5 (1 - 2^-0.5); 2 points at this size.
    size = (120 * (1 - 2**-0.5) / 2) ** 2
    inside, seen = {"power": 0, "ceiling": 0, "size": 0}, 0
    for trial, scores in enumerate(noisy("curve", values)):
        curve = curve_fit(SIZES, scores, trial, least_gain=2.0, replicates=500)
        seen += curve.saturates
        if curve.ceiling is None or curve.diminish is None:
            continue
        for name, found, true in (
            ("power", curve.power, -0.5),
            ("ceiling", curve.ceiling, 80.0),
            ("size", curve.diminish, size),
        ):
            assert found.low is not None
            assert found.high is not None
            inside[name] += found.low <= true <= found.high
    assert seen / TRIALS >= 0.95
    assert all(0.88 <= count / seen <= 0.99 for count in inside.values()), inside


def test_no_saturation_is_seen_where_there_is_none() -> None:
    values = 20 + 4 * np.log2(SIZES)
    seen = slopes = 0
    for trial, scores in enumerate(noisy("line", values)):
        curve = curve_fit(SIZES, scores, trial, replicates=500)
        seen += curve.saturates
        assert curve.saturates == (curve.ceiling is not None)
        slope = curve.per_doubling
        assert slope.low is not None
        assert slope.high is not None
        slopes += slope.low <= 4 <= slope.high
    assert seen / TRIALS <= 0.06
    assert 0.90 <= slopes / TRIALS <= 0.99


def test_noise_alone_neither_rises_nor_saturates() -> None:
    flat = np.full(len(SIZES), 50.0)
    curves = [curve_fit(SIZES, scores, replicates=200) for scores in noisy("flat", flat)]
    assert sum(curve.saturates for curve in curves) / TRIALS <= 0.05
    assert sum(curve.per_doubling.sign != 0 for curve in curves) / TRIALS <= 0.1


def test_the_same_name_gives_the_same_interval() -> None:
    scores = noisy("curve", 80 - 120 * SIZES**-0.5)[0]
    one, other = (curve_fit(SIZES, scores, "xnli") for _ in range(2))
    assert one.power == other.power
    assert one.ceiling == other.ceiling
    assert curve_fit(SIZES, scores, "tatoeba").power != one.power or one.power.low is not None


def test_two_points_have_a_slope_but_no_interval() -> None:
    slope = line_fit([100, 400], [50.0, 54.0])
    assert slope.value == pytest.approx(2.0)
    assert slope.low is None


def test_too_few_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="two different sizes"):
        line_fit([100, 100], [1.0, 2.0])
    with pytest.raises(ValueError, match="three different sizes"):
        curve_fit([100, 100, 200, 200], [1.0, 2.0, 3.0, 4.0])
