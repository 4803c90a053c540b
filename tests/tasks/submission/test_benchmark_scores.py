"""Averages over languages, tasks and groups, and what is missing for them."""

import shutil
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.benchmarks import BENCHMARKS
from dstilts.tasks.submission.benchmark_scores import BenchmarkScores, score_folder

XTREME, XTREME_R = BENCHMARKS.values()


def put(folder: Path, name: str, *languages: str, labels: str = "1\n0\n") -> None:
    """Predictions that are half right (wholly in English), and their labels."""
    for language in languages:
        suffix = "jsonl" if name == "xcopa" else "tsv"
        for side, content in (("labels", labels), ("predictions", "1\n1\n")):
            if side == "predictions" and language == "en":
                content = labels
            path = folder / side / name / f"test-{language}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if suffix == "jsonl":
                content = "".join(f'{{"label": {line}}}\n' for line in content.split())
            path.write_text(content)


def scores(folder: Path, *benchmark: str) -> BenchmarkScores:
    chosen = [BENCHMARKS[name] for name in benchmark]
    return score_folder(folder / "predictions", folder / "labels", *chosen)


def test_mean_over_languages_with_english(tmp_path: Path) -> None:
    put(tmp_path, "pawsx", "de", "en", "fr")
    found = scores(tmp_path)
    assert found.tasks["pawsx"].languages["de"] == {"accuracy": 50.0}
    assert found.tasks["pawsx"].average == {"accuracy": pytest.approx(200 / 3)}
    assert found.tasks["pawsx"].score == pytest.approx(200 / 3)
    assert found.tasks["pawsx"].missing == ("es", "ja", "ko", "zh")


def test_a_task_without_all_of_its_languages_is_missing(tmp_path: Path) -> None:
    put(tmp_path, "pawsx", *XTREME.languages["pawsx"])
    assert "pawsx" not in scores(tmp_path).missing
    (tmp_path / "predictions/pawsx/test-ko.tsv").unlink()
    found = scores(tmp_path)
    assert found.missing == XTREME.tasks
    assert found.overall is None
    assert found.groups == {}
    assert list(found.tasks["pawsx"].notes()) == ["missing languages: ko"]


def test_groups_that_are_whole(tmp_path: Path) -> None:
    put(tmp_path, "pawsx", *XTREME.languages["pawsx"])
    put(tmp_path, "tatoeba", *XTREME.languages["tatoeba"])
    found = scores(tmp_path)
    assert found.groups == {}
    for language in XTREME.languages["bucc2018"]:
        for side in ("labels", "predictions"):
            path = tmp_path / side / "bucc2018" / f"test-{language}.tsv"
            path.parent.mkdir(exist_ok=True)
            path.write_text("a\tb\n")
    found = scores(tmp_path)
    assert found.groups == {"retrieval": 75.0}, "the mean of its tasks"
    assert found.table()["missing"] == list(found.missing)
    assert "tatoeba" not in found.missing


def test_the_benchmark_that_fits(tmp_path: Path) -> None:
    put(tmp_path, "tatoeba", "de", labels="1\n0\n")
    assert scores(tmp_path).benchmark == XTREME, "both have it"
    put(tmp_path, "tatoeba", "lt")
    assert scores(tmp_path).benchmark == XTREME_R, "only XTREME-R has Lithuanian"
    put(tmp_path, "pawsx", "de")
    assert scores(tmp_path).benchmark == XTREME, "none has both"
    shutil.rmtree(tmp_path / "predictions/tatoeba")
    put(tmp_path, "xcopa", "et")
    assert scores(tmp_path).benchmark == XTREME
    shutil.rmtree(tmp_path / "predictions/pawsx")
    assert scores(tmp_path).benchmark == XTREME_R


def test_languages_of_the_other_benchmark_are_left_out_and_named(tmp_path: Path) -> None:
    put(tmp_path, "tatoeba", "de", "lt", "pl")
    found = scores(tmp_path, "xtreme").tasks["tatoeba"]
    assert set(found.languages) == {"de"}
    assert "not of the benchmark, not scored: lt pl" in list(found.notes())
    assert set(scores(tmp_path, "xtreme-r").tasks["tatoeba"].languages) == {"de", "lt", "pl"}
    (tmp_path / "predictions/tatoeba/test-de.tsv").unlink()
    with pytest.raises(UserError, match=r"tatoeba: none of XTREME's languages of tatoeba; it has"):
        scores(tmp_path, "xtreme")


def test_tasks_of_the_other_benchmark_are_scored_and_not_counted(tmp_path: Path) -> None:
    put(tmp_path, "xcopa", "et", "vi")
    put(tmp_path, "pawsx", *XTREME.languages["pawsx"])
    found = scores(tmp_path, "xtreme")
    assert list(found.tasks) == ["pawsx", "xcopa"]
    assert found.tasks["xcopa"].score == 50.0
    assert "xcopa" not in found.missing
    assert scores(tmp_path, "xtreme-r").missing == XTREME_R.tasks


def test_unanswered_questions_are_named(tmp_path: Path) -> None:
    for side, content in (("labels", '{"a": ["x"], "b": ["y"]}'), ("predictions", '{"a": ["x"]}')):
        path = tmp_path / side / "mewslix/test-pl.json"
        path.parent.mkdir(parents=True)
        path.write_text(content)
    notes = list(scores(tmp_path).tasks["mewslix"].notes())
    assert notes[-1] == "pl: 1 of 2 questions have no prediction and score 0"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("no predictions", "predictions: no such folder"),
        ("no labels", "labels: no such folder"),
        ("nothing in it", "predictions: no task's folder here; it holds xnli/test-de.tsv"),
        (
            "unknown task",
            "predictions/xnil: unknown task of a benchmark 'xnil'; did you mean 'xnli'?",
        ),
        ("empty folder", "predictions/xnli: an empty folder; it holds test-LANGUAGE.tsv"),
        ("no label folder", "test-de.tsv: no labels for these predictions; put them at "),
        ("no label file", "predictions/pawsx/test-en.tsv: no labels for these predictions"),
    ],
)
def test_mistakes(tmp_path: Path, damage: str, problem: str) -> None:
    put(tmp_path, "pawsx", "de", "en")
    predictions, labels = tmp_path / "predictions", tmp_path / "labels"
    match damage:
        case "no predictions":
            shutil.rmtree(predictions)
        case "no labels":
            shutil.rmtree(labels)
        case "nothing in it":
            shutil.rmtree(predictions / "pawsx")
            (predictions / "notes.txt").touch()
            (predictions / ".cache").mkdir()
        case "unknown task":
            (predictions / "xnil").mkdir()
        case "empty folder":
            (predictions / "xnli").mkdir()
        case "no label folder":
            shutil.rmtree(labels / "pawsx")
        case "no label file":
            (labels / "pawsx/test-en.tsv").unlink()
    with pytest.raises(UserError) as caught:
        scores(tmp_path)
    assert problem in str(caught.value)
