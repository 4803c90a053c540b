"""The mixed regression: planted effects, known variances, and the interval's coverage."""

import numpy as np
import pytest

from dstilts.studies.mixed import MixedFit, fit_mixed

NUMBER = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2], float)  # log2 of the tasks of nine sets


def design() -> dict[str, np.ndarray]:
    """Nine sets x two budgets x two seeds x two targets."""
    axes = np.meshgrid(np.arange(9), [0, 1], [0, 1], [0, 1], indexing="ij")
    return {
        name: axis.ravel()
        for name, axis in zip(("set", "budget", "seed", "target"), axes, strict=True)
    }


def fitted(rng: np.random.Generator, slope: float, sd_set: float) -> MixedFit:
    d = design()
    y = 5 + 3 * d["target"] + slope * NUMBER[d["set"]] + 2.0 * d["budget"]
    y = y + rng.normal(0, sd_set, 9)[d["set"]] + rng.normal(0, 0.5, 2)[d["seed"]]
    y = y + rng.normal(0, 1, len(y))
    columns = {
        "one": np.ones(len(y)),
        "target": d["target"],
        "number": NUMBER[d["set"]],
        "budget": d["budget"],
    }
    return fit_mixed(y.tolist(), columns, {"set": d["set"], "seed": d["seed"]})


def test_planted_slopes_are_recovered_with_the_stated_coverage() -> None:
    rng, trials = np.random.default_rng(1), 200
    inside = {"number": 0, "budget": 0}
    for _ in range(trials):
        fit = fitted(rng, 1.5, 1.0)
        for name, true in (("number", 1.5), ("budget", 2.0)):
            found = fit.effect(name)
            assert found.low is not None
            assert found.high is not None
            inside[name] += found.low <= true <= found.high
    assert all(0.89 <= count / trials <= 0.985 for count in inside.values()), inside


def test_an_effect_between_sets_is_not_claimed_from_many_scores_of_few_sets() -> None:
    # Without random sets the 72 scores would count as 72 sets.
    rng, trials = np.random.default_rng(2), 200
    false = sum(fitted(rng, 0.0, 2.0).effect("number").sign != 0 for _ in range(trials))
    assert false / trials <= 0.1


def test_degrees_of_freedom_are_those_of_what_an_effect_varies_between() -> None:
    fit = fitted(np.random.default_rng(3), 1.0, 1.0)
    assert fit.effect("number").df == 9 - 2  # sets, less intercept and slope between them
    assert fit.effect("budget").df == 72 - 4 - 8 - 1 + 1  # the slope is one of the sets' nine


def test_variances_are_those_of_a_balanced_analysis_of_variance() -> None:
    # Of a balanced one-way layout REML is known: residual = within mean square, group =
    # (between - within) / n where that is positive.
    rng = np.random.default_rng(4)
    y = rng.normal(0, 2, 20)[:, None] + rng.normal(0, 1, (20, 5))
    groups = np.repeat(np.arange(20), 5)
    fit = fit_mixed(y.ravel().tolist(), {"one": np.ones(100)}, {"group": groups})
    within = float(((y - y.mean(1, keepdims=True)) ** 2).sum() / 80)
    between = float(5 * ((y.mean(1) - y.mean()) ** 2).sum() / 19)
    assert fit.sd["residual"] == pytest.approx(np.sqrt(within), rel=1e-3)
    assert fit.sd["group"] == pytest.approx(np.sqrt((between - within) / 5), rel=1e-3)
    assert fit.effect("one").value == pytest.approx(y.mean())


def test_one_run_a_cell_leaves_no_interval() -> None:
    cells = np.repeat([0, 1], 6)
    columns = {"a": cells == 0, "b": cells == 1}
    y = np.arange(12.0) % 5
    fit = fit_mixed(y.tolist(), columns, {"run": cells, "language": np.tile(np.arange(6), 2)})
    difference = fit.contrast({"a": 1.0, "b": -1.0})
    assert difference.low is None
    assert difference.value == pytest.approx(y[:6].mean() - y[6:].mean())


def test_groups_that_divide_the_scores_alike_count_once() -> None:
    y, group = [1.0, 2.0, 4.0, 5.0, 8.0, 9.5], [0, 0, 1, 1, 2, 2]
    one = fit_mixed(y, {"one": [1] * 6}, {"run": group})
    both = fit_mixed(y, {"one": [1] * 6}, {"run": group, "again": ["a", "a", "c", "c", "b", "b"]})
    assert both.sd == one.sd
    assert both.effect("one") == one.effect("one")


def test_what_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="depend on each other"):
        fit_mixed([1.0, 2.0, 3.0], {"one": [1, 1, 1], "two": [2, 2, 2]}, {})
    with pytest.raises(ValueError, match="no more scores"):
        fit_mixed([1.0], {"one": [1]}, {})
    with pytest.raises(KeyError):
        fit_mixed([1.0, 2.0], {"one": [1, 1]}, {}).effect("two")
