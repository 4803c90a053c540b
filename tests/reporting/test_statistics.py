"""The statistics on data whose answer is known: null grids, planted effects, closed forms."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from dstilts.reporting import statistics
from dstilts.reporting.statistics import Numbers

ROWS, COLUMNS, GRIDS = 10, 6, 1_000


@dataclass(frozen=True)
class World:
    """Where scores of a column come from, in points.

    Attributes:
        seed_sd: of one run.
        common_sd: of what a seed does to all rows alike.
        example_sd: of what the drawn examples do to a row, whatever its seed.
        unequal: how much larger the seed spread of the last row is than that of the first.
    """

    seed_sd: float = 1.0
    common_sd: float = 1.0
    example_sd: float = 0.7
    unequal: float = 1.0

    def column(
        self, random: np.random.Generator, num_seeds: int, effects: Numbers | float = 0.0
    ) -> tuple[Numbers, Numbers]:
        """Differences to the baseline (rows, seeds) and the estimated example variances."""
        spread = self.seed_sd * np.geomspace(1, self.unequal, ROWS + 1)[:, None]
        runs = spread * random.standard_normal((ROWS + 1, num_seeds))
        runs += self.common_sd * random.standard_normal((1, num_seeds))
        runs += self.example_sd * random.standard_normal((ROWS + 1, 1))
        known = 2 * self.example_sd**2 * random.chisquare(999, ROWS) / 999
        return runs[1:] - runs[:1] + np.reshape(effects, (-1, 1)), known


def p_of(deltas: Numbers, examples: Numbers, paired: bool = True) -> Numbers:
    spread, freedom = statistics.seed_variance(deltas, paired)
    return statistics.p_values(deltas.mean(axis=1), spread, freedom, examples)


def most_of(share: float, number: int) -> float:
    """What a share of at most `share` stays below in all but 1 of 1,000 experiments."""
    return float(stats.binom.ppf(0.999, number, share)) / number


@pytest.mark.parametrize("num_seeds", [2, 3, 5])
@pytest.mark.parametrize(
    "world",
    [World(), World(example_sd=0.1), World(seed_sd=0.2), World(unequal=2.0)],
    ids=["both", "seeds", "examples", "unequal"],
)
def test_a_null_grid_has_a_significant_cell_in_at_most_5_of_100(
    num_seeds: int, world: World
) -> None:
    random = np.random.default_rng([num_seeds, 7])
    wrong = 0
    for _ in range(GRIDS):
        columns = [p_of(*world.column(random, num_seeds)) for _ in range(COLUMNS)]
        wrong += statistics.holm(np.concatenate(columns)).min() < 0.05
    # Up to 7.2 % of 1,000 grids may be chance where the rate is 5 %.
    assert wrong / GRIDS <= most_of(0.05, GRIDS)


@pytest.mark.parametrize("num_seeds", [2, 3, 5])
def test_so_do_null_grids_made_of_examples(num_seeds: int) -> None:
    """Right and wrong answers, through the bootstrap; the same examples in three languages."""
    random = np.random.default_rng(num_seeds)
    size, languages = 120, 3
    counts = statistics.drawn_counts(size, "x", replicates=200)
    wrong, num_grids = 0, 300
    for _ in range(num_grids):
        values = []
        for _ in range(COLUMNS):
            ease = 0.5 + random.standard_normal((1, 1, 1, size))
            ease = ease + 0.5 * random.standard_normal((ROWS + 1, 1, 1, size))
            ease = ease + 0.2 * random.standard_normal((ROWS + 1, num_seeds, 1, 1))
            noise = random.logistic(size=(ROWS + 1, num_seeds, languages, size))
            right = (ease + noise > 0).astype(float).reshape(-1, size)
            drawn = statistics.drawn_metrics(counts, right, np.ones_like(right))
            shape = (ROWS + 1, num_seeds, languages)
            means = 100 * right.mean(axis=1).reshape(shape).mean(axis=-1)
            drawn_means = drawn.reshape(-1, *shape).mean(axis=-1)
            known = statistics.example_variance(drawn_means[:, 1:] - drawn_means[:, :1])
            values.append(p_of(means[1:] - means[:1], known))
        wrong += statistics.holm(np.concatenate(values)).min() < 0.05
    assert wrong / num_grids <= most_of(0.05, num_grids)


@pytest.mark.parametrize("num_seeds", [2, 3, 5])
def test_a_baseline_without_seeds(num_seeds: int) -> None:
    """Retrieval: the untrained encoder is one fixed model."""
    random = np.random.default_rng(num_seeds)
    wrong = 0
    for _ in range(GRIDS):
        values = []
        for _ in range(COLUMNS):
            runs = random.standard_normal((ROWS, num_seeds)) + random.standard_normal((ROWS, 1))
            values.append(p_of(runs, np.ones(ROWS), paired=False))
        wrong += statistics.holm(np.concatenate(values)).min() < 0.05
    assert wrong / GRIDS <= most_of(0.05, GRIDS)


@pytest.mark.parametrize("num_seeds", [2, 3, 5])
@pytest.mark.parametrize("example_sd", [0.1, 0.7, 3.0])
def test_planted_effects_are_found_as_often_as_the_detectable_effect_says(
    num_seeds: int, example_sd: float
) -> None:
    world = World(example_sd=example_sd)
    random = np.random.default_rng(num_seeds)
    seeds = np.full(1, 2 * world.seed_sd**2 / num_seeds)
    freedom = np.full(1, float(ROWS * (num_seeds - 1)))
    effect = statistics.detectable(seeds, freedom, np.full(1, 2 * example_sd**2))[0]
    found = [(p_of(*world.column(random, num_seeds, effect)) < 0.05).mean() for _ in range(GRIDS)]
    # Cells of a column share their baseline, so 1,000 columns are worth some 1,000 cells.
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)


def test_a_bootstrap_of_two_seeds_would_be_far_too_sure() -> None:
    """Why there is a t distribution: without it every third cell would be significant."""
    random = np.random.default_rng(3)
    deltas = random.standard_normal((4_000, 2))
    low, high = np.quantile(deltas[:, random.integers(0, 2, (200, 2))].mean(-1), [0.025, 0.975], 1)
    assert np.mean((low > 0) | (high < 0)) > 0.4
    ours = [p_of(one[None], np.zeros(1), paired=False)[0] for one in deltas]
    assert np.mean(np.array(ours) < 0.05) == pytest.approx(0.05, abs=0.015)


def test_with_seeds_alone_it_is_the_t_test_and_with_examples_alone_the_z_test() -> None:
    deltas, ones, zeros = np.array([2.5, 0.4]), np.ones(2), np.zeros(2)
    for degrees in (1.0, 4.0, 30.0):
        found = statistics.p_values(deltas, ones, ones * degrees, zeros)
        assert found == pytest.approx(2 * stats.t.sf(deltas, degrees), rel=1e-3)
        half = statistics.margins(ones, ones * degrees, zeros)
        assert half == pytest.approx(np.full(2, stats.t.isf(0.025, degrees)), rel=2e-3)
    found = statistics.p_values(deltas, zeros, ones, ones)
    assert found == pytest.approx(2 * stats.norm.sf(deltas), rel=1e-3)
    assert statistics.margins(zeros, ones, ones) == pytest.approx(np.full(2, 1.96), rel=2e-3)


@pytest.mark.parametrize("ratio", [0.01, 0.3, 1.0, 20.0])
def test_the_interval_ends_where_p_is_5_percent(ratio: float) -> None:
    seeds, freedom, examples = np.full(3, 4.0), np.array([1.0, 2.0, 20.0]), np.full(3, 4 * ratio)
    half = statistics.margins(seeds, freedom, examples)
    found = statistics.p_values(half, seeds, freedom, examples)
    assert found == pytest.approx(np.full(3, 0.05), rel=0.01)


def test_paired_seeds_take_out_what_is_common_to_them() -> None:
    common = np.array([[5.0, -5.0, 9.0]])
    own = np.array([[0.1, 0.0, -0.1], [0.3, 0.2, 0.1], [-0.2, 0.0, 0.2]])
    alone, _ = statistics.seed_variance(own, paired=True)
    moved, freedom = statistics.seed_variance(own + common, paired=True)
    # The baseline's own seeds are what is common: they are as wide as the others' differences.
    assert moved[0] > alone[0]
    assert freedom.tolist() == [6, 6, 6]
    single, freedom = statistics.seed_variance(own[:1], paired=True)
    assert single[0] == pytest.approx(own[0].var(ddof=1) / 3)
    assert freedom.tolist() == [2]


def test_a_cell_with_wild_seeds_stands_alone() -> None:
    random = np.random.default_rng(0)
    deltas = random.normal(0, 0.1, (10, 3))
    deltas[4] = [-8, 0, 9]
    spread, freedom = statistics.seed_variance(deltas, paired=False)
    assert freedom.tolist() == [20.0] * 4 + [2.0] + [20.0] * 5
    assert spread[4] == pytest.approx(deltas[4].var(ddof=1) / 3)


def test_the_bootstrap_gives_the_variance_of_theory() -> None:
    random = np.random.default_rng(1)
    above = (random.random((4, 400)) < 0.7).astype(float)
    counts = statistics.drawn_counts(400, "x", replicates=4_000)
    assert counts.sum(axis=1).tolist() == [400] * 4_000
    drawn = statistics.drawn_metrics(counts, above, np.ones_like(above))
    assert drawn.mean(axis=0) == pytest.approx(100 * above.mean(axis=1), abs=0.15)
    one, other = above[0] - above[1], above[2] - above[3]
    pair = np.stack([drawn[:, 0] - drawn[:, 1], drawn[:, 2] - drawn[:, 3]], axis=-1)[:, None]
    assert statistics.example_variance(pair[..., :1])[0] == pytest.approx(
        1e4 * one.var() / 400, rel=0.1
    )
    expected = max(0.0, 1e4 * np.cov(one, other)[0, 1] / 400)
    assert statistics.example_variance(pair)[0] == pytest.approx(expected, abs=0.6)


def test_ratios_are_of_the_drawn_sums() -> None:
    counts = np.array([[2, 0, 1], [0, 3, 0], [1, 1, 1]], dtype=np.float32)
    above, below = np.array([[1.0, 2, 0]]), np.array([[2.0, 2, 4]])
    found = statistics.drawn_metrics(counts, above, below)
    assert found[:, 0] == pytest.approx([100 * 2 / 8, 100, 100 * 3 / 8])
    assert statistics.drawn_metrics(counts, 0 * above, 0 * below).tolist() == [[0], [0], [0]]


def test_equal_names_draw_the_same_examples() -> None:
    one, same = (statistics.drawn_counts(50, "ids", replicates=20) for _ in range(2))
    assert (one == same).all()
    assert (one != statistics.drawn_counts(50, "other", replicates=20)).any()


def test_holm() -> None:
    # Worked by hand: 4 x 0.01, 3 x 0.015 rises above it, 2 x 0.02 does not fall below, 1 x 0.9.
    assert statistics.holm(np.array([0.02, 0.9, 0.01, 0.015])) == pytest.approx(
        [0.045, 0.9, 0.04, 0.045]
    )
    assert statistics.holm(np.array([0.6, 0.7])).tolist() == [1, 1]
    assert len(statistics.holm(np.array([]))) == 0


def test_more_seeds_find_smaller_effects() -> None:
    found = [
        statistics.detectable(np.ones(1) / n, np.full(1, n - 1.0), np.full(1, 0.2))[0]
        for n in (2, 3, 5, 10)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > 3 * found[2]
