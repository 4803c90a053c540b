"""The metrics of a task from its examples and what was predicted for each of them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import (
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)
from dstilts.tasks.metrics import classification, retrieval, spans, tagging

# What a prediction is: pair a label, choice an index, span a text, tagging one tag for each word,
# retrieval the id of a sentence on the other side.
Prediction = str | int | Sequence[str]
T = TypeVar("T")


def score(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Prediction]
) -> dict[str, float]:
    """Every metric of the task, in per cent, over all examples of the set.

    Args:
        spec: the task, which decides the scorer.
        examples: the gold side; only labelled examples can be scored.
        predictions: by example id. A span question without a prediction scores 0, as in the
            official scorer; every other kind needs one for each example.

    Raises:
        UserError: a prediction is missing, has the wrong number of tags, or an example is
            unlabelled.
    """
    if spec.kind != "span":
        _check_complete(examples, predictions)
    scorer = _SCORERS[spec.kind]
    metrics: dict[str, float] = scorer(spec, examples.examples, predictions)
    return metrics


def _score_pairs(
    spec: TaskSpec, examples: Sequence[PairExample], predictions: Mapping[str, str]
) -> dict[str, float]:
    gold = [labelled(example.label, example) for example in examples]
    guesses = [predictions[example.id] for example in examples]
    metrics = {"accuracy": classification.accuracy(gold, guesses)}
    if "f1" in spec.metrics:
        # Tasks with an F1 have two labels, the second one positive (QQP: duplicate).
        metrics["f1"] = classification.class_f1(gold, guesses, spec.labels[1])
    return metrics


def _score_choices(
    spec: TaskSpec, examples: Sequence[ChoiceExample], predictions: Mapping[str, int]
) -> dict[str, float]:
    gold = [labelled(example.label, example) for example in examples]
    guesses = [predictions[example.id] for example in examples]
    return {"accuracy": classification.accuracy(gold, guesses)}


def _score_spans(
    spec: TaskSpec, examples: Sequence[SpanExample], predictions: Mapping[str, str]
) -> dict[str, float]:
    gold = {e.id: [answer.text for answer in labelled(e.answers, e)] for e in examples}
    return spans.span_scores(gold, predictions)


def _score_tagging(
    spec: TaskSpec, examples: Sequence[TaggingExample], predictions: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    gold = [example.tags for example in examples]
    guesses = [predictions[example.id] for example in examples]
    for example, tags in zip(examples, guesses, strict=True):
        if len(tags) != len(example.tags):
            raise UserError(
                f"{len(tags)} tags are predicted for the {len(example.tags)} words of example "
                f"{example.id!r}"
            )
    accuracy = tagging.token_accuracy(gold, guesses)
    return {**tagging.span_scores(gold, guesses), "token_accuracy": accuracy}


def _score_retrieval(
    spec: TaskSpec, examples: Sequence[SentenceExample], predictions: Mapping[str, str]
) -> dict[str, float]:
    return retrieval.retrieval_scores(examples, predictions)


_SCORERS: dict[str, Any] = {
    "pair": _score_pairs,
    "choice": _score_choices,
    "span": _score_spans,
    "tagging": _score_tagging,
    "retrieval": _score_retrieval,
}


def _check_complete(examples: ExampleSet, predictions: Mapping[str, Prediction]) -> None:
    missing = [example.id for example in examples.examples if example.id not in predictions]
    if missing:
        raise UserError(
            f"{examples.task} in {examples.language}: {len(missing)} of {len(examples)} examples "
            f"have no prediction, {missing[0]!r} first"
        )


def labelled(gold: T | None, example: Example) -> T:
    """The gold side of an example.

    Raises:
        UserError: there is none (None, or no answers).
    """
    if gold is None or gold == ():
        raise UserError(f"example {example.id!r} has no label to score against")
    return gold
