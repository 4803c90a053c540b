"""The scaling study on made-up scores: it finds the planted slopes, and says what it cannot."""

from pathlib import Path

import numpy as np
import pytest

from dstilts.core.config import build
from dstilts.studies.estimates import Estimate
from dstilts.studies.result import StudyResult
from dstilts.studies.scaling import ScalingSettings, analyse, grids
from dstilts.studies.scores import StudyCell
from dstilts.studies.study import StudyRuns
from tests.studies.made_runs import write_runs

LANGUAGES = "en de es ru ar hi zh ja ko th ta el"
LATIN = {"en", "de", "es"}

SETTINGS = build(
    ScalingSettings,
    {
        "task": "snli",
        "sizes": [50, 100, 200, 400, 800, 1600],
        "seeds": [1, 2],
        "targets": [{"name": "xnli", "tasks": [{"task": "mnli"}], "evaluate": ["xnli"]}],
    },
)


def result(folder: Path, curve: str, noise: float = 0.4) -> StudyResult:
    rng = np.random.default_rng(5)

    def planted(cell: StudyCell, task: str, language: str) -> float:
        if cell.row == "none":
            return 34.0
        size = int(cell.row.rpartition("-")[2])
        if curve == "ceiling":
            rise = 40 - 100 * size**-0.5
        else:
            rise = (4.0 if language in LATIN else 2.0) * float(np.log2(size / 50))
        return 34.0 + rise + rng.normal(0, noise)

    cells = write_runs(folder, SETTINGS, grids(SETTINGS), LANGUAGES, planted)
    return analyse(SETTINGS, StudyRuns(folder, cells))


def estimate(found: StudyResult, name: str) -> Estimate:
    value = found.numbers[name]
    assert isinstance(value, Estimate)
    return value


def test_planted_slopes_of_languages_and_their_relation_to_the_script(tmp_path: Path) -> None:
    found = result(tmp_path, "line")
    for language in LANGUAGES.split():
        slope = estimate(found, f"xnli: slope of {language}")
        true = 4.0 if language in LATIN else 2.0
        assert slope.value == pytest.approx(true, abs=0.5)
    related = estimate(found, "xnli: slope against script distance")
    assert related.sign == -1
    answer = " ".join(found.answer)
    assert "No saturation is seen up to 1,600 examples" in answer
    assert "farther is lower" in answer
    assert found.numbers["xnli: ceiling"] is None


def test_a_planted_ceiling_is_found(tmp_path: Path) -> None:
    found = result(tmp_path, "ceiling", noise=1.0)
    ceiling = estimate(found, "xnli: ceiling")
    assert ceiling.low is not None
    assert ceiling.high is not None
    assert ceiling.low <= 74.0 <= ceiling.high
    assert ceiling.high - ceiling.low < 15
    answer = " ".join(found.answer)
    assert "Returns diminish" in answer
    # 100 n^-0.5 (1 - 2^-0.5) is 1 point at 858 examples.
    size = estimate(found, "xnli: size of diminished returns")
    assert size.low is not None
    assert size.high is not None
    assert size.low <= 858 <= size.high
    assert "a doubling gives less than 1 point from" in answer


def test_the_limits_name_source_subset_seeds_and_encoder(tmp_path: Path) -> None:
    limits = " ".join(result(tmp_path, "line").limits)
    for word in ("phrasebook", "subset", "12 languages", "2 seeds", "default"):
        assert word in limits
