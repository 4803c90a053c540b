"""Scores of one file: official metrics, and files that do not fit each other."""

import json
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.submission.scores import FileScores, file_scores


def squad(**answers: list[str]) -> str:
    questions = [
        {"id": name, "answers": [{"text": text} for text in texts]}
        for name, texts in answers.items()
    ]
    return json.dumps({"data": [{"paragraphs": [{"context": "c", "qas": questions}]}]})


class Files:
    """Writes two files and scores them."""

    def __init__(self, folder: Path) -> None:
        self.labels, self.predictions = folder / "labels", folder / "predictions"

    def __call__(
        self, name: str, labels: str, predictions: str, language: str = "de"
    ) -> FileScores:
        self.labels.write_text(labels)
        self.predictions.write_text(predictions)
        return file_scores(task(name), language, self.predictions, self.labels)


@pytest.fixture
def score(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize(
    ("name", "labels", "predictions", "metrics"),
    [
        ("pawsx", "0\n1\n1\n0\n", "0\n1\n0\n1", {"accuracy": 50.0}),
        ("xcopa", "0\n1\n", "0\n0\n", {"accuracy": 50.0}),
        (
            "udpos",
            "NOUN\nNOUN\n\nVERB\n",
            "NOUN\nNOUN\n\nNOUN\n",
            {"f1": 50.0, "precision": 50.0, "recall": 50.0},
        ),
        ("xquad", squad(a=["x y"], b=["the z"]), '{"a": "X.", "b": "z"}', (50.0, 250 / 3)),
        ("mlqa", squad(a=["der Hund"]), '{"a": "ein Hund"}', (100.0, 100.0)),
        ("tydiqa", squad(a=["der Hund"]), '{"a": "ein Hund"}', (0.0, 50.0)),
        (
            "bucc2018",
            "a\tb\nc\td\n",
            "a\tb\nc\tx\nd\tc\ne\tf\n",
            {"f1": 100 / 3, "precision": 25.0, "recall": 50.0},
        ),
        ("bucc2018", "a\tb\n", "", {"f1": 0.0, "precision": 0.0, "recall": 0.0}),
        ("tatoeba", "3\n7\n1 2\n5\n", "3\n3\n2\n5\n", {"accuracy": 75.0}),
        (
            "mewslix",
            '{"a": ["Q1"], "b": ["Q2 "]}',
            '{"a": ["Q3", "Q1"], "b": []}',
            {"map_at_20": 25.0},
        ),
    ],
)
def test_official_metrics(score: Files, name: str, labels: str, predictions: str, metrics) -> None:
    if isinstance(metrics, tuple):
        metrics = dict(zip(("exact_match", "f1"), metrics, strict=True))
    found = score(name, labels, predictions).metrics
    assert found == pytest.approx(metrics, abs=1e-9)
    assert list(found) == list(metrics), "the one that counts stands first"


def test_questions_without_a_prediction_are_counted(score: Files) -> None:
    found = score("xquad", squad(a=["x"], b=["y"], c=["z"]), '{"a": "x", "d": "w"}')
    assert (found.num_questions, found.num_unanswered) == (3, 2)
    assert found.metrics["f1"] == pytest.approx(100 / 3)
    found = score("lareqa", '{"a": ["x"], "b": ["y"]}', '{"a": ["x"]}')
    assert (found.num_questions, found.num_unanswered) == (2, 1)


@pytest.mark.parametrize(
    ("name", "labels", "predictions", "problem"),
    [
        ("xnli", "neutral\nneutral\n", "neutral\n", "predictions:1: 1 lines where LABELS has 2"),
        ("xnli", "neutral\n", "neutral\n" * 3 + "\n", "predictions:2: 3 lines where LABELS has 1"),
        ("xnli", "neutral\n", "\n", "predictions: 0 lines where LABELS has 1"),
        ("xnli", "\n", "\n", "labels: no lines"),
        ("xnli", "neutral\n", "contradictory\n", "predictions:1: unknown label 'contradictory'"),
        ("xnli", "text\ttext\n", "neutral\n", "labels:1: unknown label"),
        ("xcopa", "0\n", "2\n", "predictions:1: unknown label '2'; known: 0, 1"),
        ("tatoeba", "0\n1\n", "0\n", "predictions:1: 1 lines where LABELS has 2"),
        (
            "panx",
            "O\n\nO\nO\n",
            "O\n\nO\n",
            "predictions:3: 1 tags for a sentence of 2; see LABELS:3",
        ),
        ("panx", "O\n\nO\n", "O\n", "predictions:1: 1 sentences where LABELS has 2"),
        ("panx", "O\n", "O\n\nO\n", "predictions:3: 2 sentences where LABELS has 1"),
        ("bucc2018", "", "a\tb\n", "labels: no gold pairs"),
        ("lareqa", '{"a": []}', '{"a": ["x"]}', "labels: a question without a right candidate"),
        ("lareqa", "{}", "{}", "labels: a question without a right candidate, or no question"),
    ],
)
def test_files_that_do_not_fit(
    score: Files, name: str, labels: str, predictions: str, problem: str
) -> None:
    with pytest.raises(UserError) as caught:
        score(name, labels, predictions)
    assert problem.replace("LABELS", str(score.labels)) in str(caught.value)


def test_a_missing_file(score: Files) -> None:
    score("pawsx", "0\n", "0\n")
    score.predictions.unlink()
    with pytest.raises(UserError, match="predictions: no such file"):
        file_scores(task("pawsx"), "de", score.predictions, score.labels)
