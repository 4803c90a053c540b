"""Scores of whole sets: the metrics the catalog names, and what cannot be scored."""

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS, task
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)
from dstilts.tasks.metrics.chance import chance
from dstilts.tasks.metrics.score import score

CONTEXT = "The old teacher reads a new book in the small garden ."
BY_KIND = {
    "choice": ([ChoiceExample("1", "", "?", ("a", "b"), 1)], {"1": 1}),
    "span": ([SpanExample("1", CONTEXT, "?", (Answer("new book", 24),))], {"1": "new book"}),
    "tagging": ([TaggingExample("1", ("a", "b"), ("DET", "NOUN"))], {"1": ["DET", "NOUN"]}),
    "retrieval": (
        [
            SentenceExample("a", "x", "source", ("b",)),
            SentenceExample("b", "y", "target", ("a",)),
        ],
        {"a": "b", "b": "a"},
    ),
}


def make(name: str, examples) -> ExampleSet:
    return ExampleSet(name, "test", "en", "local", tuple(examples))


def perfect(name: str):
    spec = TASKS[name]
    if spec.kind == "pair":
        examples = [PairExample(label, "a", "b", label) for label in spec.labels]
        return make(name, examples), {label: label for label in spec.labels}
    examples, predictions = BY_KIND[spec.kind]
    return make(name, examples), predictions


@pytest.mark.parametrize("name", TASKS)
def test_every_task_gets_the_metrics_of_its_row(name: str) -> None:
    examples, predictions = perfect(name)
    spec = task(name)
    assert score(spec, examples, predictions) == dict.fromkeys(spec.metrics, 100.0)
    assert set(chance(spec, examples)) == set(spec.metrics)


def test_a_missing_prediction() -> None:
    examples, predictions = perfect("xnli")
    del predictions["neutral"]
    with pytest.raises(UserError, match="1 of 3 examples have no prediction, 'neutral' first"):
        score(task("xnli"), examples, predictions)


def test_a_missing_answer_scores_nothing() -> None:
    examples, _ = perfect("xquad")
    assert score(task("xquad"), examples, {}) == {"f1": 0.0, "exact_match": 0.0}


def test_a_wrong_number_of_tags() -> None:
    examples, _ = perfect("udpos")
    with pytest.raises(UserError, match="1 tags are predicted for the 2 words of example '1'"):
        score(task("udpos"), examples, {"1": ["DET"]})


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("xnli", PairExample("u", "a", "b", None)),
        ("commonsenseqa", ChoiceExample("u", "", "?", ("a", "b"), None)),
        ("xquad", SpanExample("u", "a", "b", ())),
    ],
)
def test_unlabelled_examples(name: str, example) -> None:
    with pytest.raises(UserError, match="'u' has no label"):
        score(task(name), make(name, [example]), {"u": "neutral"})


def test_f1_of_the_positive_class() -> None:
    examples = make("qqp", [PairExample(str(i), "a", "b", "1" if i < 2 else "0") for i in range(4)])
    metrics = score(task("qqp"), examples, {"0": "1", "1": "0", "2": "0", "3": "0"})
    assert metrics == {"accuracy": 75.0, "f1": pytest.approx(200 / 3)}
