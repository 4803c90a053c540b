"""XTREME's own mock labels and predictions: the numbers its scoring script expects."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dstilts.tasks.catalog import task
from dstilts.tasks.examples import (
    Answer,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)
from dstilts.tasks.metrics.score import Prediction, score
from dstilts.tasks.metrics.tagging import span_scores
from dstilts.tasks.submission.benchmark_scores import score_folder
from tests.parity import reference_chunker

pytestmark = pytest.mark.data

EXPECTED = {
    "xnli": {"accuracy": 30.66667},
    "pawsx": {"accuracy": 51.42857},
    "udpos": {"f1": 70.21746},
    "xquad": {"exact_match": 77.27273, "f1": 79.95868},
    "tydiqa": {"exact_match": 88.88889, "f1": 97.22222},
    "tatoeba": {"accuracy": 53.61111},
}
OFFICIAL = {
    **EXPECTED,
    "panx": {"f1": 57.50794},
    "mlqa": {"exact_match": 57.14286, "f1": 81.76871},
    "bucc2018": {"f1": 55.0, "precision": 55.0, "recall": 55.0},
    "mewslix": {"map_at_20": 14.39025},
}
NUM_LANGUAGES = {"xnli": 15, "pawsx": 7, "udpos": 33, "xquad": 11, "tydiqa": 9, "tatoeba": 36}
Read = tuple[list[Example], dict[str, Prediction]]


@pytest.fixture
def mock_data(data_folder: Path) -> Path:
    return data_folder / "format_samples" / "xtreme_mock_test_data"


def files(folder: Path, name: str) -> Iterator[tuple[Path, Path]]:
    for labels in sorted((folder / "labels" / name).iterdir()):
        yield labels, folder / "predictions" / name / labels.name


def sentences(path: Path) -> list[list[str]]:
    return [block.split("\n") for block in path.read_text().strip().split("\n\n")]


def read_pairs(labels: Path, predictions: Path) -> Read:
    gold, guesses = labels.read_text().split(), predictions.read_text().split()
    examples = [PairExample(str(i), "", "", label) for i, label in enumerate(gold)]
    return list(examples), {str(i): guess for i, guess in enumerate(guesses)}


def read_tags(labels: Path, predictions: Path) -> Read:
    gold, guesses = sentences(labels), sentences(predictions)
    examples = [TaggingExample(str(i), tuple(tags), tuple(tags)) for i, tags in enumerate(gold)]
    return list(examples), {str(i): tags for i, tags in enumerate(guesses)}


def read_spans(labels: Path, predictions: Path) -> Read:
    examples = [
        SpanExample(
            item["id"],
            paragraph["context"],
            item["question"],
            tuple(Answer(a["text"], a["answer_start"]) for a in item["answers"]),
        )
        for article in json.loads(labels.read_text())["data"]
        for paragraph in article["paragraphs"]
        for item in paragraph["qas"]
    ]
    return list(examples), json.loads(predictions.read_text())


def read_retrieval(labels: Path, predictions: Path) -> Read:
    gold, guesses = labels.read_text().split(), predictions.read_text().split()
    examples = [SentenceExample(f"en-{i}", "", "target", (line,)) for i, line in enumerate(gold)]
    other_side = SentenceExample("xx-0", "", "source", ("en-0",))
    found: dict[str, Prediction] = {f"en-{i}": line for i, line in enumerate(guesses)}
    return [*examples, other_side], {**found, "xx-0": "en-0"}


READERS = {
    "pair": read_pairs,
    "tagging": read_tags,
    "span": read_spans,
    "retrieval": read_retrieval,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_mean_over_languages(name: str, mock_data: Path) -> None:
    spec = task(name)
    scores = []
    for labels, predicted in files(mock_data, name):
        examples, predictions = READERS[spec.kind](labels, predicted)
        language = labels.stem.removeprefix("test-")
        whole = ExampleSet(name, "test", language, "local", tuple(examples))
        scores.append(score(spec, whole, predictions))
    assert len(scores) == NUM_LANGUAGES[name]
    for metric, expected in EXPECTED[name].items():
        assert np.mean([s[metric] for s in scores]) == pytest.approx(expected, abs=1e-5)


def test_the_folders(mock_data: Path) -> None:
    scores = score_folder(mock_data / "predictions", mock_data / "labels")
    assert scores.benchmark.name == "xtreme"
    assert scores.missing == ()
    assert set(scores.tasks) == set(OFFICIAL)
    for name, expected in OFFICIAL.items():
        average = scores.tasks[name].average
        found = {metric: average[metric] for metric in expected}
        assert found == pytest.approx(expected, abs=1e-5), name
        assert scores.tasks[name].missing == ()
    parts = [scores.tasks[name].score for name in OFFICIAL if name != "mewslix"]
    assert scores.overall == pytest.approx(np.mean(parts))


@pytest.mark.parametrize(("name", "number"), [("udpos", 33), ("panx", 40)])
def test_the_rules_one_by_one(name: str, number: int, mock_data: Path) -> None:
    found = []
    for labels, predictions in files(mock_data, name):
        gold, predicted = sentences(labels), sentences(predictions)
        expected = reference_chunker.scores(gold, predicted)
        assert span_scores(gold, predicted) == pytest.approx(expected, abs=1e-9)
        found.append(expected["f1"])
    assert len(found) == number
    assert np.mean(found) == pytest.approx(OFFICIAL[name]["f1"], abs=1e-5)
