"""The study of encoders on made-up runs: scores, agreement with logic and across languages."""

from pathlib import Path

import numpy as np
import pytest

from dstilts.core.config import build
from dstilts.core.files import write_json
from dstilts.studies.consistency import FOLDER, MinimalPairs, agreement_with_english
from dstilts.studies.estimates import Estimate
from dstilts.studies.result import StudyResult
from dstilts.studies.scores import StudyCell
from dstilts.studies.specialised import BASE, SpecialisedSettings, analyse
from dstilts.studies.study import StudyRuns
from dstilts.tasks.catalog import NLI_LABELS
from tests.studies.made_runs import write_runs

LANGUAGES = "en de zh"
SETTINGS = build(
    SpecialisedSettings,
    {
        "intermediates": [{"name": "nli", "tasks": [{"task": "snli"}]}],
        "others": [{"name": "other", "encoder": "default", "layers": 6}],
        "minimal_groups": 10,
        "seeds": [1, 2, 3],
        "targets": [{"name": "xnli", "tasks": [{"task": "mnli"}], "evaluate": ["xnli"]}],
    },
)


def result(folder: Path) -> StudyResult:
    """After NLI all is right; the base guesses; the other encoder says one thing always."""
    rng = np.random.default_rng(0)

    def planted(cell: StudyCell, task: str, language: str) -> float:
        return {"nli": 70.0, "none": 60.0}[cell.row] - 5.0 * (cell.grid == "other") + rng.normal()

    all_grids = [
        SETTINGS.grid(BASE, SETTINGS.intermediates),
        SETTINGS.grid("other", (), encoder="default"),
    ]
    cells = write_runs(folder, SETTINGS, all_grids, LANGUAGES, planted)
    pairs = MinimalPairs(SETTINGS.minimal_groups)
    for cell in cells:
        for language in LANGUAGES.split():
            examples = pairs.load("xnli", "test", language).examples
            labels = {
                "nli": {e.id: getattr(e, "label", None) for e in examples},
                "none": {e.id: NLI_LABELS[rng.integers(3)] for e in examples},
                "other": dict.fromkeys((e.id for e in examples), "neutral"),
            }["other" if cell.grid == "other" else cell.row]
            name = f"{cell.key}/xnli.{language}.test.json"
            write_json(folder / FOLDER / "predictions" / name, {"predictions": labels})
            write_json(folder / "predictions" / name, {"predictions": labels})
    return analyse(SETTINGS, StudyRuns(folder, cells))


def value(found: StudyResult, name: str) -> Estimate:
    number = found.numbers[name]
    assert isinstance(number, Estimate)
    return number


def test_encoders_are_compared_on_all_measures(tmp_path: Path) -> None:
    found = result(tmp_path)
    gain = value(found, "score: default + nli less other")
    assert gain.sign == 1
    assert gain.value == pytest.approx(15, abs=1.5)
    # A constant answer obeys every rule and agrees with itself, and is right about nothing.
    assert value(found, "agreement with logic: other").value == pytest.approx(100, abs=1e-6)
    assert value(found, "agreement with English: other").value == pytest.approx(100, abs=1e-6)
    assert value(found, "minimal pairs all right: other").value == pytest.approx(0, abs=1e-6)
    assert value(found, "agreement with logic: default + nli").value == pytest.approx(100, abs=1e-6)
    assert value(found, "minimal pairs all right: default + nli").value == pytest.approx(
        100, abs=1e-6
    )
    assert value(found, "agreement with logic: default").value < 80
    assert value(found, "agreement with English: default").value < 70
    assert any("always says the same" in line for line in found.limits)
    assert "a gain" in found.answer[0]


def test_minimal_pairs_as_a_source() -> None:
    pairs = MinimalPairs(5)
    english, german = (pairs.load("xnli", "test", code) for code in ("en", "de"))
    assert [e.id for e in english.examples] == [e.id for e in german.examples]
    assert len({e.id for e in english.examples}) == len(english) == 2 * 3 * 5
    assert len(pairs.load("pawsx", "test", "en")) == 2 * 5
    assert pairs.identity() != MinimalPairs(6).identity()


def test_agreement_needs_the_same_items() -> None:
    english = {"1": "a", "2": "b"}
    assert agreement_with_english({"en": english, "de": {"1": "a", "2": "c"}}) == {"de": 50.0}
    assert agreement_with_english({"en": english, "de": {"1": "a"}}) == {}
    assert agreement_with_english({"de": english}) == {}
