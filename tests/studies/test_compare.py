"""Cells compared: noise of runs counts, that of languages cancels."""

import numpy as np
import pytest

from dstilts.studies.compare import Unit, fit_cells

LANGUAGES = [f"l{index}" for index in range(12)]


def units(rng: np.random.Generator, seeds: int, effect: float, sd_run: float) -> list[Unit]:
    hard = rng.normal(0, 10, len(LANGUAGES))
    made = []
    for cell, shift in (("plain", 0.0), ("trained", effect)):
        for seed in range(seeds):
            luck = rng.normal(0, sd_run)
            made += [
                Unit(
                    cell,
                    f"{cell}-{seed}",
                    f"{cell}-{seed}",
                    code,
                    50 + shift + luck + h + rng.normal(0, 3),
                )
                for code, h in zip(LANGUAGES, hard, strict=True)
            ]
    return made


def test_coverage_with_noise_of_runs() -> None:
    rng, trials = np.random.default_rng(0), 200
    inside = 0
    for _ in range(trials):
        found = fit_cells(units(rng, 3, 4.0, 2.0)).difference("trained", "plain")
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 4.0 <= found.high
    assert 0.9 <= inside / trials <= 0.99


def test_the_languages_differences_do_not_widen_the_interval() -> None:
    found = fit_cells(units(np.random.default_rng(1), 4, 4.0, 0.1)).difference("trained", "plain")
    assert found.sign == 1
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low < 6  # languages differ by 10


def test_one_seed_gives_a_difference_without_an_interval() -> None:
    made = units(np.random.default_rng(2), 1, 4.0, 2.0)
    found = fit_cells(made).difference("trained", "plain")
    means = {
        cell: np.mean([unit.value for unit in made if unit.cell == cell])
        for cell in ("plain", "trained")
    }
    assert found.value == pytest.approx(means["trained"] - means["plain"])
    assert found.low is None


def test_targets_that_share_an_intermediate_training_are_no_more_trainings() -> None:
    rng, trials = np.random.default_rng(4), 150
    false = 0
    for _ in range(trials):
        made = []
        for cell in ("plain", "trained"):
            for seed in range(3):
                root = f"{cell}-{seed}"
                luck = rng.normal(0, 3)  # of the intermediate training: all its targets have it
                for column in ("a", "b", "c", "d"):
                    made += [
                        Unit(cell, root, root + column, code, luck + rng.normal(), column)
                        for code in LANGUAGES[:4]
                    ]
        found = fit_cells(made).difference("trained", "plain")
        assert found.df == 6 - 2
        false += found.sign != 0
    assert false / trials <= 0.1
