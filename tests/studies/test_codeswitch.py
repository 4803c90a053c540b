"""The code-switching study on made-up scores: the slope over the rate, and where it acts."""

from pathlib import Path

import numpy as np
import pytest

from dstilts.core.config import build
from dstilts.studies.codeswitch import ENGLISH, CodeSwitchSettings, analyse, grids
from dstilts.studies.estimates import Estimate
from dstilts.studies.result import StudyResult
from dstilts.studies.scores import StudyCell
from dstilts.studies.study import StudyRuns
from tests.studies.made_runs import write_runs

SETTINGS = build(
    CodeSwitchSettings,
    {
        "tasks": [{"task": "snli", "examples": 100}],
        "rates": [0.2, 0.4, 0.6],
        "languages": {"some": ["de", "zh", "ar"]},
        "seeds": [1, 2],
        "targets": [
            {"name": "xnli", "tasks": [{"task": "mnli"}], "evaluate": ["xnli"]},
            {"name": "pawsx", "tasks": [{"task": "pawsx"}], "evaluate": ["pawsx"]},
        ],
    },
)


def result(folder: Path, everywhere: float, inside: float) -> StudyResult:
    rng = np.random.default_rng(3)
    luck: dict[str, float] = {}

    def planted(cell: StudyCell, task: str, language: str) -> float:
        rate = 0.0 if cell.row in ("none", ENGLISH) else float(cell.row.rpartition("-")[2])
        luck.setdefault(cell.key, rng.normal(0, 0.5))
        slope = everywhere + inside * (language in ("de", "zh", "ar"))
        return 55.0 + 10 * rate * slope + luck[cell.key] + float(rng.normal(0, 0.5))

    cells = write_runs(folder, SETTINGS, grids(SETTINGS), "en de zh ar fr ja th", planted)
    return analyse(SETTINGS, StudyRuns(folder, cells))


@pytest.mark.parametrize(("everywhere", "inside"), [(0.5, 1.0), (-1.0, 0.0)])
def test_planted_slopes_lie_in_their_intervals(
    tmp_path: Path, everywhere: float, inside: float
) -> None:
    found = result(tmp_path, everywhere, inside)
    mean = everywhere + inside * 3 / 7
    for name, true in (
        ("all targets: points per tenth of the words", mean),
        ("all targets: the same, more in switched languages", inside),
        ("all targets: some-0.4 less English alone", 4 * mean),
    ):
        value = found.numbers[name]
        assert isinstance(value, Estimate)
        assert value.low is not None
        assert value.high is not None
        assert value.low <= true <= value.high, name
        assert value.high - value.low < 2.5, name


def test_the_answer_compares_with_english_alone_and_names_targets(tmp_path: Path) -> None:
    answer = " ".join(result(tmp_path, 0.5, 1.0).answer)
    assert "differs from English alone by" in answer
    assert "Languages that words are switched to gain more" in answer
    assert "xnli" in answer
    assert "pawsx" in answer
