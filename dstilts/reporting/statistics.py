"""How sure a difference is: example and seed variance together, p-values, Holm, detectable effects.

C is a number of cells, S of seeds, B of bootstrap replicates, N of examples.

Two things make a difference uncertain. Other examples would move it: the bootstrap over examples,
the same for both models and all seeds, says how far. Other seeds would move it too, and of these
there are few: a bootstrap over two or three seeds sees far too little spread (two seeds are drawn
twice the same half of the time), so their variance is estimated, and what is not known of it enters
the test as the heavy tails of a t distribution. The sum of a normal part of known variance and a t
part of estimated variance is the Behrens-Fisher problem with one side known: integrating over the
seed variance's posterior (a scaled inverse chi-square) gives a p-value that is never too small, as
Welch's approximation is, many times over, with one or two degrees of freedom.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from dstilts.core.random_numbers import stream

Numbers = npt.NDArray[np.float64]

LEVEL = 0.05
POWER = 0.8
REPLICATES = 1000
_NOISY = 0.01  # level of the test that a cell's seeds vary more than its column's
_ALIKE = 2.0  # degrees of freedom of the assumption that a row varies as the others do
_BLOCK = 2**22  # numbers that are drawn at a time
_NODES = 200  # of the integral over the seed variance
_RATIOS = np.logspace(-6, 6, 121)  # example variance by seed variance, in the table of ends
_DRAWS = (np.arange(50) + 0.5) / 50  # quantiles of the seed variance's estimate


def drawn_counts(size: int, name: str, replicates: int = REPLICATES) -> npt.NDArray[np.float32]:
    """How often each of `size` examples is drawn (B, N), with replacement, from the stream `name`.

    Sets of the same examples take the same draws, translations of them too: what is hard in one
    language is hard in others, and a mean over languages is less sure than its parts suggest.
    """
    random = stream("effects", name)
    counts = np.empty((replicates, size), dtype=np.float32)
    step = max(1, _BLOCK // max(1, size))
    for first in range(0, replicates, step):
        block = counts[first : first + step]
        drawn = random.integers(0, size, block.shape) + size * np.arange(len(block))[:, None]
        block[:] = np.bincount(drawn.ravel(), minlength=block.size).reshape(block.shape)
    return counts


def drawn_metrics(
    counts_BN: npt.NDArray[np.float32], above_CN: Numbers, below_CN: Numbers
) -> Numbers:
    """A metric in per cent of every model in every replicate (B, C).

    Args:
        above_CN, below_CN: what each example adds above and below the line.
    """
    sums = counts_BN @ above_CN.T.astype(np.float32)
    if (below_CN == below_CN[0, 0]).all():
        total = np.full((1, 1), below_CN[0].sum())
    else:
        total = counts_BN @ below_CN.T.astype(np.float32)
    zeros = np.zeros(sums.shape, dtype=np.float64)
    return np.asarray(100 * np.divide(sums, total, out=zeros, where=total > 0))


def example_variance(drawn_BCS: Numbers) -> Numbers:
    """The variance (C,) of a mean over seeds that is due to the examples.

    With several seeds what the examples do to all of them alike: the mean covariance of two seeds.
    What they do to one seed alone shows in the variance between seeds, and is counted there.
    """
    num_seeds = drawn_BCS.shape[-1]
    if num_seeds == 1:
        return np.asarray(drawn_BCS[..., 0].var(axis=0, ddof=1))
    whole = drawn_BCS.sum(axis=-1).var(axis=0, ddof=1)
    own = drawn_BCS.var(axis=0, ddof=1).sum(axis=-1)
    return np.asarray(np.maximum(whole - own, 0.0) / (num_seeds * (num_seeds - 1)))


def seed_variance(deltas_CS: Numbers, paired: bool) -> tuple[Numbers, Numbers, int]:
    """The variance (C,) of each cell's mean over seeds that is due to seeds.

    Two or three seeds say little of a cell alone, so the other cells of its column (one target,
    other intermediates, the same seeds) are taken together, as in an analysis of variance of rows
    by seeds. Runs that collapsed are to be left out before.

    Args:
        deltas_CS: differences to the baseline by seed, S >= 2; further axes (languages) are taken
            one by one.
        paired: whether the baseline has seeds too; an untrained encoder has none.

    Returns:
        Each cell's own variance; that of the other cells and the baseline (a single cell's own);
        the degrees of freedom of the latter.
    """
    num_cells, num_seeds = deltas_CS.shape[0], deltas_CS.shape[1]
    own = deltas_CS.var(axis=1, ddof=1) / num_seeds
    if num_cells == 1:
        return own, own, num_seeds - 1
    table, factor, num_rows = deltas_CS, 1.0, num_cells
    if paired:
        # With the baseline as a row of zeros: what is common to a seed drops out of the residuals.
        table, factor = np.concatenate([np.zeros_like(table[:1]), table]), 2.0
        table = table - table.mean(axis=0)
        num_rows = num_cells + 1
    squares = ((table - table.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    mine = squares[-num_cells:]
    if paired:
        mine = mine * num_rows / (num_rows - 1)  # a row takes part in the means of its seeds
    freedom = (num_cells - 1) * (num_seeds - 1)
    pooled = factor * np.maximum(squares.sum(axis=0) - mine, 0.0) / freedom / num_seeds
    return own, pooled, freedom


def row_factors(
    own: Numbers, pooled: Numbers, num_seeds: Numbers, rows: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """By row how much more than the others its seeds vary, and the degrees of freedom of that.

    Some intermediates train less steadily than others, on every target: one row whose seeds vary
    three times as much would make a fifth of null grids significant. The ratio is drawn to 1 by two
    degrees of freedom, and is never less.

    Args:
        own, pooled, num_seeds, rows: of every cell of the grid.
    """
    ratios = np.divide(own, pooled, out=np.ones_like(own), where=pooled > 0)
    names, weights = np.array(rows), num_seeds - 1
    factors = {}
    for name in np.unique(names):
        at = names == name
        known = _ALIKE + float(weights[at].sum())
        ratio = (_ALIKE + float((weights[at] * ratios[at]).sum())) / known
        factors[str(name)] = (max(1.0, ratio), known)
    return factors


def widened(
    own: Numbers, pooled: Numbers, freedom: Numbers, num_seeds: Numbers, factors: Numbers
) -> tuple[Numbers, Numbers]:
    """The seed variance (C,) that a test takes, and its degrees of freedom.

    The column's, times the row's factor; where a cell varies far more than that (an F test at 1 %)
    its own, with the few degrees of freedom that it has.

    Args:
        own, pooled, freedom: of `seed_variance`.
        factors: of `row_factors` for each cell (C, 2).
    """
    ratio, of_row = factors.T
    variance, known = pooled * ratio, np.minimum(freedom, of_row)
    noisy = own > special.fdtri(num_seeds - 1, known, 1 - _NOISY) * variance
    return np.where(noisy, own, variance), np.where(noisy, num_seeds - 1, known)


def p_values(deltas: Numbers, seeds: Numbers, freedom: Numbers, examples: Numbers) -> Numbers:
    """Two-sided p-values (C,) of no difference.

    Args:
        deltas: the differences.
        seeds, freedom: what `widened` gives.
        examples: what `example_variance` gives.
    """
    values = np.ones(len(deltas))
    for degrees in np.unique(freedom):
        at = freedom == degrees
        values[at] = _tail(np.abs(deltas[at]), seeds[at], degrees, examples[at])
    return values


def margins(seeds: Numbers, freedom: Numbers, examples: Numbers, level: float = LEVEL) -> Numbers:
    """Half the width (C,) of the intervals of a difference that hold it in 1 - level of cases."""
    wide = np.zeros(len(seeds))
    for degrees in np.unique(freedom):
        at = freedom == degrees
        wide[at] = _margin(seeds[at], float(degrees), examples[at], level)
    return wide


def detectable(seeds: Numbers, freedom: Numbers, examples: Numbers) -> Numbers:
    """The effect (C,) that one test at 5 % finds in 80 % of cases, were the variances as estimated.

    The corrected test of a whole grid needs a larger one.
    """
    found = np.zeros(len(seeds))
    for degrees in np.unique(freedom):
        at = freedom == degrees
        drawn = seeds[at, None] * special.chdtri(degrees, 1 - _DRAWS) / degrees
        known = np.broadcast_to(examples[at, None], drawn.shape)
        needed = _margin(drawn.ravel(), float(degrees), known.ravel(), LEVEL).reshape(drawn.shape)
        # Models that predict the same have no spread at all.
        spread = np.maximum(np.sqrt(seeds[at] + examples[at]), np.finfo(float).tiny)[:, None]
        found[at] = _bisect(
            lambda effect: -_power(effect[:, None], needed, spread),  # noqa: B023
            np.full(len(spread), -POWER),
            np.zeros(len(spread)),
            needed.max(axis=1) + 5 * spread[:, 0],
        )
    return found


def holm(values: Numbers) -> Numbers:
    """P-values corrected for their number, so that any false claim among them is as rare as one."""
    order = np.argsort(values)
    steps = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def _power(effects: Numbers, needed: Numbers, spread: Numbers) -> Numbers:
    above, below = (effects - needed) / spread, (-effects - needed) / spread
    return np.asarray((special.ndtr(above) + special.ndtr(below)).mean(axis=1))


def _tail(size: Numbers, seeds: Numbers, degrees: float, examples: Numbers) -> Numbers:
    """P(|difference| > size) of no effect, over what the seed variance may be."""
    nodes, weights = _posterior(float(degrees))
    variance = examples[:, None] + seeds[:, None] * nodes
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(size[:, None] > 0, size[:, None] / np.sqrt(variance), 0.0)
    return np.asarray(2 * special.ndtr(-scaled) @ weights)


@lru_cache
def _posterior(degrees: float) -> tuple[Numbers, Numbers]:
    """Values of the true seed variance by its estimate, and their weights."""
    end = degrees + 12 * np.sqrt(2 * degrees) + 60
    steps = np.linspace(np.log(1e-14), np.log(end), _NODES)
    weights = np.exp(degrees / 2 * steps - np.exp(steps) / 2)  # of chi-square, on a log scale
    return degrees / np.exp(steps), weights / weights.sum()


def _margin(seeds: Numbers, degrees: float, examples: Numbers, level: float) -> Numbers:
    """Where `_tail` is `level`, from a table over the ratio of the two variances."""
    ends = _ends(degrees, level)
    total = seeds + examples
    share = np.divide(examples, seeds, out=np.full_like(seeds, np.inf), where=seeds > 0)
    logs = np.log(np.clip(share, _RATIOS[0], _RATIOS[-1]))
    return np.asarray(np.sqrt(total) * np.interp(logs, np.log(_RATIOS), ends))


@lru_cache
def _ends(degrees: float, level: float) -> Numbers:
    """By ratio of the example to the seed variance the end in standard deviations of their sum."""
    seeds, examples = 1 / (1 + _RATIOS), _RATIOS / (1 + _RATIOS)
    return _bisect(
        lambda size: _tail(size, seeds, degrees, examples),
        np.full(len(_RATIOS), level),
        np.zeros(len(_RATIOS)),
        np.full(len(_RATIOS), -2 * special.stdtrit(degrees, level / 2)),
    )


def _bisect(
    falling: Callable[[Numbers], Numbers], wanted: Numbers, low: Numbers, high: Numbers
) -> Numbers:
    """Where falling functions take the wanted values."""
    for _ in range(60):
        middle = (low + high) / 2
        is_above = falling(middle) > wanted
        low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
    return (low + high) / 2
