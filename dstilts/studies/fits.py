"""Scores against the size of a training set: a line in log size, and a curve that may saturate.

The curve is y = A + B (s^p - 1) / p with s = n / n_0, n_0 the geometric mean of the sizes. For
p < 0 it is a - b n^p with the ceiling a = A - B / p; for p = 0 it is the line A + B log s; for
p > 0 it bends upwards. So "saturates" is a statement about p, and its interval says how sure it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dstilts.core.random_numbers import stream
from dstilts.studies.estimates import LEVEL, Estimate

Numbers = npt.NDArray[np.float64]

# Beyond the lower end the whole rise lies between the first two sizes; beyond the upper one between
# the last two: data of a few sizes cannot tell more.
POWERS = np.linspace(-3.0, 2.0, 101)
REPLICATES = 2000
LOG_2 = float(np.log(2.0))


@dataclass(frozen=True)
class Curve:
    """A fitted curve with intervals from a residual bootstrap.

    Attributes:
        saturates: whether the curve rises and bends: both with their whole interval.
        power: p; its opposite is the exponent of the approach to the ceiling.
        per_doubling: points that a doubling gives in a straight line over log size.
        ceiling: a where the curve saturates; None where no saturation is seen.
        diminish: the size from which a further doubling gives less than was asked for; None where
            it still gives more at the largest size, or never gave as much, or nothing bends.
        sizes, scores: a fine grid over the measured sizes and the curve there (for a figure).
        low, high: the ends of the curve's interval at each of `sizes`.
    """

    saturates: bool
    power: Estimate
    per_doubling: Estimate
    ceiling: Estimate | None
    diminish: Estimate | None
    sizes: Numbers
    scores: Numbers
    low: Numbers
    high: Numbers


def line_fit(sizes: Sequence[float], scores: Sequence[float]) -> Estimate:
    """Points per doubling of the size: least squares, with an interval of Student's t.

    Raises:
        ValueError: fewer than two different sizes.
    """
    from scipy import stats

    x, y = np.log2(np.asarray(sizes, float)), np.asarray(scores, float)
    if len(np.unique(x)) < 2:
        raise ValueError("a slope needs two different sizes")
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    df = len(x) - 2
    if df < 1:
        return Estimate(slope)
    residuals = y - y.mean() - slope * centred
    error = float(np.sqrt(residuals @ residuals / df / (centred @ centred)))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, df)) * error
    return Estimate(slope, slope - reach, slope + reach, df)


def curve_fit(
    sizes: Sequence[float],
    scores: Sequence[float],
    *name: str | int,
    least_gain: float = 1.0,
    replicates: int = REPLICATES,
) -> Curve:
    """The curve of least squares over all powers, and how sure it is.

    The bootstrap adds to the fitted curve residuals drawn with replacement, which are widened for
    the three fitted parameters (Davison and Hinkley 1997, section 6.2), and fits again.

    Args:
        sizes, scores: one each a run; sizes may repeat (seeds). A few more runs than 3 parameters.
        name: of the stream of random numbers.
        least_gain: points a doubling must give for returns not to be called diminished.

    Raises:
        ValueError: fewer than four runs or three different sizes.
    """
    n, y = np.asarray(sizes, float), np.asarray(scores, float)
    if len(n) < 4 or len(np.unique(n)) < 3:
        raise ValueError("a curve needs three different sizes and four runs")
    centre = float(np.exp(np.log(n).mean()))
    designs = np.stack([_design(n / centre, power) for power in POWERS])
    best = _best(designs, y[None])
    fitted = _value(best, n / centre)[0]
    widened = (y - fitted) * np.sqrt(len(y) / max(1, len(y) - 3))
    draws = stream("curve", *name).integers(len(y), size=(replicates, len(y)))
    again = _best(designs, fitted + (widened - widened.mean())[draws])
    grid = np.geomspace(n.min(), n.max(), 60)
    band = np.quantile(_value(again, grid / centre), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    power = _estimate(best[0], again[0])
    slope = line_fit(sizes, scores)
    saturates = power.sign < 0 and slope.sign > 0
    return Curve(
        saturates=saturates,
        power=power,
        per_doubling=slope,
        ceiling=_estimate(_ceiling(best), _ceiling(again)) if saturates else None,
        diminish=_diminish(best, again, least_gain, centre, n) if saturates else None,
        sizes=grid,
        scores=_value(best, grid / centre)[0],
        low=band[0],
        high=band[1],
    )


Fits = tuple[Numbers, Numbers, Numbers]  # p, A and B of R fits


def _design(s: Numbers, power: float) -> Numbers:
    return np.stack([np.ones_like(s), _bent(s, np.array([power]))[0]], axis=1)


def _bent(s: Numbers, power: Numbers) -> Numbers:
    """(s^p - 1) / p for each power (R) and size (N), and log s where p is 0."""
    p, log_s = power[:, None], np.log(s)[None]
    straight = np.abs(p) < 1e-9
    safe = np.where(straight, 1.0, p)
    return np.asarray(np.where(straight, log_s, np.expm1(safe * log_s) / safe))


def _best(designs: Numbers, y_RN: Numbers) -> Fits:
    """The power of least squares for each row of scores, with its two coefficients."""
    inverse = np.linalg.pinv(designs)  # powers, 2, N
    coefficients = np.einsum("pkn,rn->prk", inverse, y_RN)
    fitted = np.einsum("pnk,prk->prn", designs, coefficients)
    chosen = ((y_RN[None] - fitted) ** 2).sum(axis=2).argmin(axis=0)
    rows = np.arange(len(y_RN))
    kept = coefficients[chosen, rows]
    return POWERS[chosen], kept[:, 0], kept[:, 1]


def _value(fits: Fits, s: Numbers) -> Numbers:
    power, level, rise = fits
    return np.asarray(level[:, None] + rise[:, None] * _bent(s, power))


def _ceiling(fits: Fits) -> Numbers:
    """a of each fit; infinite where it does not bend, or falls."""
    power, level, rise = fits
    bends = (power < 0) & (rise > 0)
    return np.where(bends, level - rise / np.where(bends, power, 1.0), np.inf)


def _diminish(
    best: Fits, again: Fits, least_gain: float, centre: float, n: Numbers
) -> Estimate | None:
    """Where a doubling gives `least_gain`, if that lies within the sizes."""
    size = _size_of_gain(best, least_gain)[0] * centre
    if not n.min() <= size <= n.max():
        return None
    found = _size_of_gain(again, least_gain) * centre
    low, high = np.quantile(np.clip(found, n.min(), n.max()), _ENDS)
    return Estimate(float(size), float(low), float(high))


def _size_of_gain(fits: Fits, gain: float) -> Numbers:
    """s at which B (s^p) (2^p - 1) / p, what doubling s gives, falls to `gain`."""
    power, _, rise = fits
    bends = (power < 0) & (rise > 0)
    p = np.where(bends, power, -1.0)
    doubling = np.where(bends, rise, 1.0) * np.expm1(p * LOG_2) / p
    return np.where(bends, (gain / doubling) ** (1 / p), np.where(rise > 0, np.inf, 0.0))


_ENDS = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]


def _estimate(value: Numbers, replicates: Numbers) -> Estimate:
    # "lower" and "higher" give ends that are replicates: infinite ones do not mix with others.
    low = np.quantile(replicates, _ENDS[0], method="lower")
    high = np.quantile(replicates, _ENDS[1], method="higher")
    return Estimate(float(value[0]), float(low), float(high))
