"""The study of shifts on made-up predictions: what a shift costs, and what rows save of it."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from dstilts.core.config import build
from dstilts.core.files import write_json
from dstilts.studies.domainshift import DomainShiftSettings, analyse, grids
from dstilts.studies.estimates import Estimate
from dstilts.studies.scores import StudyCell
from dstilts.studies.shifts import ALL
from dstilts.studies.study import StudyRuns
from dstilts.tasks.examples import PairExample
from dstilts.tasks.phrasebook.source import PhrasebookSource
from dstilts.tasks.transform.domains import domains
from tests.studies.made_runs import write_runs

HELD_OUT = ["home", "home_negated", "height", "gift", "some", "age"]
ROWS = [
    {"name": "one", "tasks": [{"task": "qqp"}]},
    {"name": "three", "tasks": [{"task": "qqp"}, {"task": "squad_v1"}, {"task": "copa"}]},
]


def settings(shift: dict[str, object]) -> DomainShiftSettings:
    table = {"intermediates": ROWS, "seeds": [1, 2, 3], "shifts": [shift]}
    return build(DomainShiftSettings, table)


def numbers(found: object, name: str) -> Estimate:
    value = cast("dict[str, object]", found)[name]
    assert isinstance(value, Estimate)
    return value


def test_a_planted_cost_of_held_out_domains(tmp_path: Path) -> None:
    # Right in domain: 80 %. Shifted: 20 points less by nature; if left out another 30 points less,
    # after several tasks only 10.
    chosen = settings(
        {
            "name": "nli",
            "tasks": [{"task": "mnli", "examples": 100}],
            "evaluate": ["xnli"],
            "hold_out": HELD_OUT,
        }
    )
    cells = write_runs(tmp_path, chosen, grids(chosen), "en de zh", lambda *_: 60.0)
    source, rng = PhrasebookSource(), np.random.default_rng(0)
    for cell in cells:
        for language in ("en", "de", "zh"):
            examples = source.load("xnli", "test", language).examples
            found = {e.id: guess(cell, cast(PairExample, e), rng) for e in examples}
            file = tmp_path / "predictions" / cell.key / f"xnli.{language}.test.json"
            write_json(file, {"predictions": found})
    found = analyse(chosen, StudyRuns(tmp_path, cells))
    for name, true in (
        ("nli: cost after no intermediate task", 30.0),
        ("nli: cost after several together", 10.0),
        ("nli: cost, several less one intermediate task", -20.0),
        ("nli: shifted, several less one intermediate task", 20.0),
    ):
        estimate = numbers(found.numbers, name)
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low <= true <= estimate.high, name
        assert estimate.high - estimate.low < 30, name
    assert "it costs less" in " ".join(found.answer)


def guess(cell: StudyCell, example: PairExample, rng: np.random.Generator) -> str:
    chance = 0.8
    if example.domain in HELD_OUT:
        chance -= 0.2
        if not cell.target.endswith(ALL):
            chance -= 0.1 if cell.row == "three" else 0.3
    wrong = "neutral" if example.label != "neutral" else "entailment"
    assert example.label is not None
    return example.label if rng.random() < chance else wrong


def test_whole_evaluation_sets_as_the_shifted_side(tmp_path: Path) -> None:
    chosen = settings(
        {
            "name": "pairs",
            "tasks": [{"task": "mnli"}],
            "evaluate": ["xnli", "pawsx"],
            "shifted": ["pawsx"],
        }
    )
    rng = np.random.default_rng(1)

    def planted(cell: StudyCell, task: str, language: str) -> float:
        shifted = 12.0 - 5.0 * (cell.row == "three")
        return 70.0 - shifted * (task == "pawsx") + float(rng.normal(0, 0.5))

    cells = write_runs(tmp_path, chosen, grids(chosen), "en de zh fr", planted)
    found = analyse(chosen, StudyRuns(tmp_path, cells))
    cost = numbers(found.numbers, "pairs: cost after one intermediate task")
    assert cost.value == pytest.approx(12.0, abs=1.0)
    less = numbers(found.numbers, "pairs: cost, several less one intermediate task")
    assert less.sign == -1
    assert less.value == pytest.approx(-5.0, abs=1.0)


def test_the_held_out_relations_of_the_recipe_are_some_of_the_phrasebooks() -> None:
    known = domains(PhrasebookSource().load("mnli", "train", "en"))
    assert set(HELD_OUT) < set(known)
    assert set(domains(PhrasebookSource().load("xnli", "test", "sw"))) >= set(known)


def test_rows_of_one_and_of_several_tasks_are_needed() -> None:
    with pytest.raises(Exception, match="one of several"):
        build(
            DomainShiftSettings,
            {
                "intermediates": ROWS[:1],
                "shifts": [
                    {
                        "name": "a",
                        "tasks": [{"task": "mnli"}],
                        "evaluate": ["xnli"],
                        "hold_out": ["home"],
                    }
                ],
            },
        )
