"""Linear mixed models by REML: fixed effects, and random intercepts of groups that may cross.

y = X beta + sum over groups of Z_g u_g + e. The variances' ratios to that of e are found by
minimising the REML criterion (Patterson and Thompson 1971), which needs cross products only: a
matrix as large as the number of levels, whatever the number of scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dstilts.studies.estimates import LEVEL, Estimate

Numbers = npt.NDArray[np.float64]
_LARGEST = 1e4  # ratio of a group's variance to the residual's: more is the same as infinite
_STARTS = (0.05, 1.0, 20.0)


@dataclass(frozen=True)
class MixedFit:
    """A fitted model.

    Attributes:
        columns: names of the fixed effects.
        beta, covariance: of the fixed effects.
        df: of each fixed effect, by containment: levels of the group it varies between, less what
            is fitted between these levels.
        sd: standard deviations by group, and of the "residual".
    """

    columns: tuple[str, ...]
    beta: Numbers
    covariance: Numbers
    df: tuple[int, ...]
    sd: Mapping[str, float]

    def contrast(self, weights: Mapping[str, float]) -> Estimate:
        """The sum of weighted fixed effects; without an interval where no freedom is left.

        Raises:
            KeyError: no such fixed effect.
        """
        from scipy import stats

        vector = np.zeros(len(self.columns))
        for name, weight in weights.items():
            vector[self._index(name)] = weight
        value = float(vector @ self.beta)
        df = min(self.df[self._index(name)] for name, weight in weights.items() if weight)
        variance = float(vector @ self.covariance @ vector)
        if df < 1:
            return Estimate(value, df=0)
        reach = float(stats.t.ppf((1 + LEVEL) / 2, df)) * max(variance, 0.0) ** 0.5
        return Estimate(value, value - reach, value + reach, df)

    def effect(self, name: str) -> Estimate:
        """One fixed effect."""
        return self.contrast({name: 1.0})

    def _index(self, name: str) -> int:
        if name not in self.columns:
            raise KeyError(name)
        return self.columns.index(name)


def fit_mixed(
    y: Sequence[float],
    columns: Mapping[str, Sequence[float]],
    groups: Mapping[str, Sequence[object]],
) -> MixedFit:
    """Fits by REML.

    Args:
        y: the scores (N).
        columns: the fixed effects (N each), an intercept or cells among them.
        groups: for each random intercept the level of every score (N each). A group that has one
            level, or as many levels as scores, is no random effect: the residual has its part. Of
            groups that divide the scores alike the first one stands for all.

    Raises:
        ValueError: columns that depend on each other, or no more scores than columns.
    """
    y_N = np.asarray(y, float)
    x_NP = np.stack([np.asarray(values, float) for values in columns.values()], axis=1)
    if np.linalg.matrix_rank(x_NP) < x_NP.shape[1]:
        raise ValueError("fixed effects that depend on each other")
    if len(y_N) <= x_NP.shape[1]:
        raise ValueError("no more scores than fixed effects")
    random: dict[str, npt.NDArray[np.int64]] = {}
    for name, found in groups.items():
        levels = _numbered(found)  # equal for groups that divide the scores alike
        is_known = any(np.array_equal(levels, other) for other in random.values())
        if 1 < levels.max() + 1 < len(y_N) and not is_known:
            random[name] = levels
    products = _Products(y_N, x_NP, list(random.values()))
    ratios = _minimum(products)
    beta, covariance, variance = products.solve(ratios)
    return MixedFit(
        columns=tuple(columns),
        beta=beta,
        covariance=covariance,
        df=_freedom(x_NP, list(random.values())),
        sd={
            **{name: float(np.sqrt(r * variance)) for name, r in zip(random, ratios, strict=True)},
            "residual": float(np.sqrt(variance)),
        },
    )


class _Products:
    """Cross products of y, X and Z, and what follows from them for given ratios of variances."""

    def __init__(self, y_N: Numbers, x_NP: Numbers, levels: Sequence[npt.NDArray[np.int64]]):
        z_NQ = np.concatenate([_indicators(found) for found in levels], 1) if levels else None
        self.num_groups = len(levels)
        sizes = [int(found.max()) + 1 for found in levels]
        self._group = np.repeat(np.arange(len(levels)), sizes)  # of each column of Z
        self._n, self._p = x_NP.shape
        if z_NQ is None:
            z_NQ = np.zeros((self._n, 0))
        xy = np.concatenate([x_NP, y_N[:, None]], axis=1)
        self._zz, self._zxy, self._xyxy = z_NQ.T @ z_NQ, z_NQ.T @ xy, xy.T @ xy
        self._scale = 1.0 + float(y_N @ y_N)

    def _reduced(self, ratios: Numbers) -> tuple[Numbers, float]:
        """[X y]' V^-1 [X y] with V in units of the residual variance, and log det V."""
        if not self.num_groups:
            return self._xyxy, 0.0
        root = np.sqrt(ratios[self._group])
        inner = np.eye(len(root)) + root[:, None] * self._zz * root
        factor = np.linalg.cholesky(inner)
        scaled = np.linalg.solve(factor, root[:, None] * self._zxy)
        return self._xyxy - scaled.T @ scaled, 2 * float(np.log(np.diag(factor)).sum())

    def criterion(self, ratios: Numbers) -> float:
        """Twice the negative restricted log likelihood, less constants."""
        reduced, log_det = self._reduced(ratios)
        xx, xy, yy = self._parts(reduced)
        sign, log_det_xx = np.linalg.slogdet(xx)
        # Scores that are fitted exactly have a left of 0, whose logarithm has no end.
        left = max(float(yy - xy @ np.linalg.solve(xx, xy)), 1e-12 * self._scale)
        if sign <= 0:
            return float("inf")
        return (self._n - self._p) * float(np.log(left)) + log_det + float(log_det_xx)

    def solve(self, ratios: Numbers) -> tuple[Numbers, Numbers, float]:
        """The fixed effects, their covariance, and the residual variance."""
        xx, xy, yy = self._parts(self._reduced(ratios)[0])
        beta = np.linalg.solve(xx, xy)
        variance = max(float(yy - xy @ beta), 0.0) / (self._n - self._p)
        covariance = np.asarray(variance * np.linalg.inv(xx), float)
        return np.asarray(beta, float), covariance, variance

    def _parts(self, reduced: Numbers) -> tuple[Numbers, Numbers, float]:
        p = self._p
        return reduced[:p, :p], reduced[:p, p], float(reduced[p, p])


def _minimum(products: _Products) -> Numbers:
    """The ratios of least criterion, from several starts; 0 where a group adds nothing."""
    from scipy import optimize

    count = products.num_groups
    if not count:
        return np.zeros(0)
    bounds = [(0.0, np.sqrt(_LARGEST))] * count
    best = min(
        (
            optimize.minimize(
                # Standard deviations: on their scale the criterion is smooth at 0.
                lambda root: products.criterion(root**2),
                np.full(count, np.sqrt(start)),
                method="L-BFGS-B",
                bounds=bounds,
            )
            for start in _STARTS
        ),
        key=lambda found: float(found.fun),
    )
    return np.asarray(best.x, float) ** 2


def _numbered(found: Sequence[object]) -> npt.NDArray[np.int64]:
    """Levels as numbers from 0 in order of appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(level, len(numbers)) for level in found], dtype=np.int64)


def _indicators(levels: npt.NDArray[np.int64]) -> Numbers:
    return np.asarray(levels[:, None] == np.arange(levels.max() + 1), float)


def _freedom(x_NP: Numbers, groups: Sequence[npt.NDArray[np.int64]]) -> tuple[int, ...]:
    """For each column the fewest degrees of freedom among the groups it varies between."""
    indicators = [_indicators(levels) for levels in groups]
    df = [len(x_NP) - _rank([x_NP, *indicators])] * x_NP.shape[1]
    for levels in groups:
        first = np.unique(levels, return_index=True)[1]

        def between(values: Numbers, levels: Any = levels, first: Any = first) -> Numbers:
            """The columns that are constant within levels, one row a level."""
            constant = np.all(np.isclose(values, values[first][levels]), axis=0)
            return np.asarray(values[first][:, constant])

        # Intercepts of this group itself would leave nothing: only coarser ones count.
        coarser = [between(z) for z in indicators if z.shape[1] < len(first)]
        left = len(first) - _rank([between(x_NP), *coarser])
        for index in range(x_NP.shape[1]):
            if between(x_NP[:, [index]]).size:
                df[index] = min(df[index], left)
    return tuple(df)


def _rank(blocks: Sequence[Numbers]) -> int:
    whole = np.concatenate(blocks, axis=1)
    return int(np.linalg.matrix_rank(whole)) if whole.size else 0
