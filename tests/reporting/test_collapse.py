"""Which runs have collapsed: beside others that have not, or by what training saw."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from dstilts.reporting.collapse import Seed, collapsed, seen_in_training
from dstilts.reporting.collect import Record, collect_records
from tests.reporting.record_builder import record, write_record

CHANCE = 100 / 3


@dataclass(frozen=True)
class Phase:
    """What a manifest says."""

    key: str
    parent: str | None
    at_chance: str | None = None


def runs_of(folder: Path, scores: dict[int, dict[str, float]]) -> dict[Seed, dict[str, Record]]:
    for seed, by_code in scores.items():
        for code, score in by_code.items():
            write_record(folder, record("xnli", code, score, seed=seed))
    found: dict[Seed, dict[str, Record]] = {}
    for one in collect_records(folder):
        found.setdefault(one.seed, {})[one.language] = one
    return found


def test_at_chance_in_english_beside_a_seed_that_is_not(tmp_path: Path) -> None:
    scores = {1: {"en": 80.0, "sw": 40.0}, 2: {"en": CHANCE, "sw": 34.0}}
    assert collapsed(runs_of(tmp_path, scores)) == {
        2: "at chance in English, where another seed is not"
    }


def test_at_chance_in_all_languages(tmp_path: Path) -> None:
    scores = {1: {"de": 60.0, "sw": 33.0}, 2: {"de": 33.0, "sw": 33.0}, 3: {"de": 33.0, "sw": 40.0}}
    found = collapsed(runs_of(tmp_path, scores))
    assert list(found) == [2]
    assert "all languages" in found[2]


def test_what_is_at_chance_with_every_seed_is_the_result(tmp_path: Path) -> None:
    scores = {1: {"en": 33.0}, 2: {"en": 32.0}}
    runs = runs_of(tmp_path, scores)
    assert collapsed(runs) == {}
    keys = {record.model_key for run in runs.values() for record in run.values()}
    assert collapsed(runs, dict.fromkeys(keys, "learnt nothing")) == {}


@pytest.mark.parametrize(("score", "found"), [(52.0, []), (54.0, [2])])
def test_where_no_seed_gets_far_none_has_collapsed(
    tmp_path: Path, score: float, found: list[int]
) -> None:
    # A quarter of the way from chance is 50; intervals start three points below the score.
    assert list(collapsed(runs_of(tmp_path, {1: {"en": score}, 2: {"en": 33.0}}))) == found


def test_what_training_saw(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, {1: {"en": 70.0}, 2: {"en": 69.0}})
    key = runs[2]["en"].model_key
    assert collapsed(runs, {key: "xnli has learnt nothing"}) == {2: "xnli has learnt nothing"}


def test_a_model_inherits_what_training_saw_of_its_parent() -> None:
    phases = [Phase("a", None, "nothing"), Phase("b", "a"), Phase("c", "b"), Phase("d", None)]
    assert seen_in_training(phases) == {"a": "nothing", "b": "nothing", "c": "nothing"}
