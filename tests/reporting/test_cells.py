"""The arithmetic of a cell, on numbers worked out by hand."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from dstilts.reporting.cells import Cell, Estimate, build_cell, comparable, delta, zero_shot_gap
from dstilts.reporting.collect import read_record
from tests.reporting.record_builder import record, write_record

Scores = dict[int, dict[str, float | None]]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path


def cell(runs: Path, scores: Scores, languages_of_other_data: Iterable[str] = ()) -> Cell | None:
    """A cell of XNLI scores by seed and language."""
    found: dict[int | None, dict[str, Any]] = {}
    for seed, by_language in scores.items():
        for code, score in by_language.items():
            value = record("xnli", code, score, seed=seed)
            if code in languages_of_other_data:
                value["data_digest"] = "other"
            found.setdefault(seed, {})[code] = read_record(write_record(runs, value), runs)
    return build_cell(found)


def test_mean_over_languages_then_seeds(runs: Path) -> None:
    built = cell(runs, {1: {"en": 80, "de": 60}, 2: {"en": 84, "de": 64}})
    assert built is not None
    assert built.mean() == Estimate(72, pytest.approx(8**0.5))
    assert built.score("de") == Estimate(62, pytest.approx(8**0.5))


def test_one_seed_has_no_spread(runs: Path) -> None:
    built = cell(runs, {1: {"en": 80, "de": 60}})
    assert built is not None
    assert built.mean() == Estimate(70, None)


def test_a_failed_language_is_left_out_not_counted_as_zero(runs: Path) -> None:
    built = cell(runs, {1: {"en": 80, "de": 60, "sw": None}})
    assert built is not None
    assert built.languages == ("en", "de")
    assert built.mean() == Estimate(70, None)


def test_no_score_at_all_is_no_cell(runs: Path) -> None:
    assert cell(runs, {1: {"en": None}}) is None


def test_an_unfinished_seed_enters_no_number(runs: Path) -> None:
    built = cell(runs, {1: {"en": 80, "de": 60}, 2: {"en": 90}})
    assert built is not None
    assert built.unfinished == (2,)
    assert built.mean() == Estimate(70, None)


def test_a_mean_of_a_metric_that_a_language_lacks_is_missing(runs: Path) -> None:
    built = cell(runs, {1: {"en": 80, "de": 60}})
    assert built is not None
    assert built.mean("em") is None


def test_delta_is_over_shared_languages_with_the_same_examples(runs: Path) -> None:
    ours = cell(runs, {1: {"en": 82, "de": 66, "sw": 50, "th": 10}})
    base = cell(runs, {1: {"en": 80, "de": 60, "th": 90}}, languages_of_other_data=["th"])
    assert ours is not None
    assert base is not None
    shared = comparable(ours, base)
    assert shared == ["en", "de"]
    assert delta(ours, base, shared) == Estimate(4, None)
    assert delta(ours, base, []) is None


def test_delta_pairs_seeds(runs: Path) -> None:
    ours = cell(runs, {1: {"en": 71}, 2: {"en": 91}})
    base = cell(runs, {1: {"en": 70}, 2: {"en": 90}})
    assert ours is not None
    assert base is not None
    # Twenty points between seeds, none between the differences.
    assert delta(ours, base, ["en"]) == Estimate(1, 0)


def test_delta_of_other_seeds_has_no_spread(runs: Path) -> None:
    ours = cell(runs, {1: {"en": 71}, 3: {"en": 91}})
    base = cell(runs, {1: {"en": 70}, 2: {"en": 90}})
    assert ours is not None
    assert base is not None
    assert delta(ours, base, ["en"]) == Estimate(1, None)


def test_a_baseline_without_training_is_the_same_for_every_seed(runs: Path) -> None:
    ours = cell(runs, {1: {"en": 71}, 2: {"en": 73}})
    base = cell(runs, {1: {"en": 70}})
    assert ours is not None
    assert base is not None
    base = Cell({None: base.runs[1]}, ())
    assert delta(ours, base, ["en"]) == Estimate(2, pytest.approx(2**0.5))


def test_zero_shot_gap(runs: Path) -> None:
    built = cell(runs, {1: {"en": 80, "de": 60, "sw": 40}})
    assert built is not None
    assert zero_shot_gap(built) == Estimate(30, None)
    alone = cell(runs, {1: {"de": 60}})
    assert alone is not None
    assert zero_shot_gap(alone) is None


def test_chance_is_judged_on_the_mean_over_seeds(runs: Path) -> None:
    built = cell(runs, {1: {"en": 30, "de": 30}, 2: {"en": 40, "de": 34}})
    assert built is not None
    assert not built.at_chance("en")
    assert built.at_chance("de")
