"""The diversity study on made-up scores: number, kind and volume are told apart."""

from pathlib import Path

import numpy as np
import pytest

from dstilts.core.config import build
from dstilts.studies.diversity import (
    DOUBLE_BUDGET,
    DOUBLE_TASKS,
    DiversitySettings,
    analyse,
    grids,
)
from dstilts.studies.estimates import Estimate
from dstilts.studies.result import StudyResult
from dstilts.studies.scores import StudyCell
from dstilts.studies.study import StudyRuns
from tests.studies.made_runs import write_runs

SETTINGS = build(
    DiversitySettings,
    {
        "tasks": ["snli", "qqp", "squad_v1", "squad_v2", "commonsenseqa", "socialiqa"],
        "budgets": [120, 480],
        "numbers": [1, 2, 3, 6],
        "sets": 4,
        "seeds": [1, 2],
        "targets": [
            {"name": "xnli", "tasks": [{"task": "mnli"}], "evaluate": ["xnli"]},
            {"name": "tatoeba", "evaluate": ["tatoeba"]},
        ],
    },
)
KINDS = {"squad_v1": "span", "squad_v2": "span"}


def result(folder: Path, per_tasks: float, per_budget: float, span: float) -> StudyResult:
    rng = np.random.default_rng(9)
    luck: dict[str, float] = {}

    def planted(cell: StudyCell, task: str, language: str) -> float:
        base = 50.0 + 20.0 * (task == "tatoeba")
        if cell.row == "none":
            return base
        names, budget = cell.row.rsplit("-", 1)
        tasks = names.split("+")
        share = sum(name in KINDS for name in tasks) / len(tasks)
        gain = per_tasks * np.log2(len(tasks)) + per_budget * np.log2(int(budget) / 120)
        luck.setdefault(names, rng.normal(0, 0.5))
        luck.setdefault(cell.key, rng.normal(0, 0.5))
        return base + float(gain + span * share + luck[names] + luck[cell.key])

    cells = write_runs(folder, SETTINGS, grids(SETTINGS), "en de zh", planted)
    return analyse(SETTINGS, StudyRuns(folder, cells))


@pytest.mark.parametrize(("per_tasks", "per_budget", "span"), [(2.0, 0.5, -6.0), (0.0, 2.0, 4.0)])
def test_planted_effects_lie_in_their_intervals(
    tmp_path: Path, per_tasks: float, per_budget: float, span: float
) -> None:
    found = result(tmp_path, per_tasks, per_budget, span)
    for name, true in (
        (DOUBLE_TASKS, per_tasks),
        (DOUBLE_BUDGET, per_budget),
        ("span tasks in place of pair tasks", span),
        ("choice tasks in place of pair tasks", 0.0),
    ):
        effect = found.numbers[f"all targets: {name}"]
        assert isinstance(effect, Estimate)
        assert effect.low is not None
        assert effect.high is not None
        assert effect.low <= true <= effect.high, name
        assert effect.high - effect.low < 6, name


def test_the_answer_says_what_beats_what(tmp_path: Path) -> None:
    more = " ".join(result(tmp_path / "a", 3.0, 0.0, 0.0).answer)
    assert "more tasks do better" in more
    volume = " ".join(result(tmp_path / "b", 0.0, 3.0, 0.0).answer)
    assert "more examples do better" in volume
    assert "a doubling of the tasks changes the score by" in volume


def test_a_target_that_is_not_trained_for_has_one_baseline(tmp_path: Path) -> None:
    def planted(cell: StudyCell, task: str, language: str) -> float:
        return 60.0 if cell.row == "none" else 65.0 + 0.01 * len(cell.key)

    cells = write_runs(tmp_path, SETTINGS, grids(SETTINGS), "de zh", planted)
    untrained = [c for c in cells if (c.row, c.target) == ("none", "tatoeba")]
    kept = [c for c in cells if c not in untrained]
    # As a finished run has it: one cell for all seeds.
    from dataclasses import replace

    kept.append(replace(untrained[0], seed=None))
    found = analyse(SETTINGS, StudyRuns(tmp_path, kept))
    gains = next(table for table in found.tables if "Gain" in table.title)
    assert all(row[-1].startswith("+5.") for row in gains.rows)
