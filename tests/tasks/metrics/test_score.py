"""Scores of whole sets: the metrics the catalog names, and what cannot be scored."""

import math

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
    TextExample,
)
from dstilts.tasks.metrics.chance import chance
from dstilts.tasks.metrics.score import accepted_pairs, score

CONTEXT = "The old teacher reads a new book in the small garden ."
MATCHED = [
    SentenceExample("a", "x", "source", ("b",)),
    SentenceExample("b", "y", "target", ("a",)),
]
BY_KIND = {
    "choice": ([ChoiceExample("1", "", "?", ("a", "b"), 1)], {"1": 1}),
    "span": ([SpanExample("1", CONTEXT, "?", (Answer("new book", 24),))], {"1": "new book"}),
    "tagging": ([TaggingExample("1", ("a", "b"), ("DET", "NOUN"))], {"1": ["DET", "NOUN"]}),
    "nearest": (MATCHED, {"a": "b", "b": "a"}),
    "mining": (MATCHED, {"a": ["b", 1.2], "threshold": 1.1}),
    "ranking": (MATCHED, {"a": ["b", "c"]}),
    "mlm": ([TextExample("1", "a b"), TextExample("2", "c")], {"1": [2.0, 3, 3], "2": [1.0, 1, 1]}),
}
NO_ANSWER = (
    [*BY_KIND["span"][0], SpanExample("2", CONTEXT, "?", (), answerable=False)],
    {"1": ["new book", -1.0], "2": ["garden", 1.0]},
)


def make(name: str, examples) -> ExampleSet:
    return ExampleSet(name, "test", "en", "local", tuple(examples))


def perfect(name: str):
    spec = TASKS[name]
    if spec.kind == "pair":
        examples = [PairExample(label, "a", "b", label) for label in spec.labels]
        return make(name, examples), {label: label for label in spec.labels}
    examples, predictions = BY_KIND[spec.protocol or spec.kind]
    if spec.has_no_answer:
        examples, predictions = NO_ANSWER
    return make(name, examples), dict(predictions)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_gets_the_metrics_of_its_row(name: str) -> None:
    examples, predictions = perfect(name)
    spec = task(name)
    best = {**dict.fromkeys(spec.metrics, 100.0)}
    if name == "mlm":
        best["perplexity"] = math.exp(3 / 4)
    assert score(spec, examples, predictions) == best
    # Nothing is known of a random guess of a masked word.
    assert set(chance(spec, examples)) == (set() if name == "mlm" else set(spec.metrics))


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


def test_missing_mined_pairs_and_rankings_are_wrong() -> None:
    examples, _ = perfect("bucc2018")
    assert set(score(task("bucc2018"), examples, {"threshold": 0.0}).values()) == {0.0}
    assert score(task("lareqa"), examples, {}) == {"map_at_20": 0.0}


def test_pairs_below_the_threshold_are_not_mined() -> None:
    predictions = {"a": ["b", 1.2], "c": ["d", 1.1], "e": ["f", 1.3], "threshold": 1.2}
    assert accepted_pairs(predictions) == [("a", "b"), ("e", "f")]


def test_mlqa_has_rules_of_its_own() -> None:
    example = SpanExample("1", "Das Haus ist alt", "?", (Answer("Das Haus", 0),))
    for language, expected in (("de", 100.0), ("en", 0.0), ("fi", 0.0)):
        # Finnish is none of MLQA's languages: a made-up set in it is compared by SQuAD's rules.
        examples = ExampleSet("mlqa", "test", language, "phrasebook", (example,))
        assert score(task("mlqa"), examples, {"1": "ein Haus"})["exact_match"] == expected


def test_only_the_row_of_the_task_names_metrics() -> None:
    examples = make("ccg_pmb", [TaggingExample("1", ("a",), ("N",))])
    assert score(task("ccg_pmb"), examples, {"1": ["N"]}) == {"token_accuracy": 100.0}


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("squad_v2", SpanExample("u", "a", "b", ())),
        ("udpos", TaggingExample("u", ("a",), ())),
        ("tatoeba", SentenceExample("u", "a", "source", ())),
        ("bucc2018", SentenceExample("u", "a", "source", ())),
        ("lareqa", SentenceExample("u", "a", "source", ())),
        ("xnli", PairExample("u", "a", "b", None)),
        ("commonsenseqa", ChoiceExample("u", "", "?", ("a", "b"), None)),
        ("xquad", SpanExample("u", "a", "b", ())),
    ],
)
def test_unlabelled_examples(name: str, example) -> None:
    predictions = {"u": "neutral", "v": "u", "threshold": 0.0}
    other_side = SentenceExample("v", "b", "target", ("u",))
    examples = [example, other_side] if isinstance(example, SentenceExample) else [example]
    with pytest.raises(UserError, match="'u' has no label"):
        score(task(name), make(name, examples), predictions)
    if name != "commonsenseqa":  # a random choice needs no label
        with pytest.raises(UserError, match="'u' has no label"):
            chance(task(name), make(name, examples))


def test_f1_of_the_positive_class() -> None:
    examples = make("qqp", [PairExample(str(i), "a", "b", "1" if i < 2 else "0") for i in range(4)])
    metrics = score(task("qqp"), examples, {"0": "1", "1": "0", "2": "0", "3": "0"})
    assert metrics == {"accuracy": 75.0, "f1": pytest.approx(200 / 3)}
