"""The metrics of a task from its examples and what was predicted for each of them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

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
from dstilts.tasks.metrics import (
    classification,
    masked,
    mining,
    mlqa,
    no_answer,
    ranking,
    retrieval,
    spans,
    tagging,
)

# What a prediction is: pair a label; choice an index; span a text, or where some questions have no
# answer a text and the score of "no answer"; tagging one tag for each word; of retrieval nearest
# the id of a sentence on the other side, mining for a source the target's id and the score of the
# pair (and under "threshold" the score from which pairs count), ranking the best candidates; mlm
# the summed negative log likelihood, the masked tokens, the right ones.
Prediction = str | int | float | Sequence[str | int | float]
THRESHOLD = "threshold"
T = TypeVar("T")


def score(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Prediction]
) -> dict[str, float]:
    """Every metric of the task, in per cent, over all examples of the set.

    Args:
        spec: the task, which decides the scorer.
        examples: the gold side; only labelled examples can be scored.
        predictions: by example id. A span question and a ranking one without a prediction score 0,
            as in the official scorers; mined pairs stand for the sources that have one; every other
            kind needs a prediction for each example.

    Raises:
        UserError: a prediction is missing, has the wrong number of tags, or an example is
            unlabelled.
    """
    check_complete(spec, examples, predictions)
    scorer = _SCORERS[spec.protocol or spec.kind]
    metrics: dict[str, float] = scorer(spec, examples, predictions)
    return {name: metrics[name] for name in spec.metrics}


def check_complete(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Prediction]
) -> None:
    """Raises a UserError where an example needs a prediction and has none; see `score`."""
    if spec.kind == "span" or spec.protocol in ("mining", "ranking"):
        return
    missing = [example.id for example in examples.examples if example.id not in predictions]
    if missing:
        raise UserError(
            f"{examples.task} in {examples.language}: {len(missing)} of {len(examples)} examples "
            f"have no prediction, {missing[0]!r} first"
        )


def accepted_pairs(predictions: Mapping[str, Prediction]) -> list[mining.Pair]:
    """The mined pairs from the threshold on."""
    threshold = cast(float, predictions[THRESHOLD])
    pairs = ((s, cast(Sequence[Any], p)) for s, p in predictions.items() if s != THRESHOLD)
    return [(source, str(found[0])) for source, found in pairs if found[1] >= threshold]


def _score_pairs(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, str]
) -> dict[str, float]:
    items = cast(Sequence[PairExample], examples.examples)
    gold = [labelled(example.label, example) for example in items]
    guesses = [predictions[example.id] for example in items]
    metrics = {"accuracy": classification.accuracy(gold, guesses)}
    if "f1" in spec.metrics:
        # Tasks with an F1 have two labels, the second one positive (QQP: duplicate).
        metrics["f1"] = classification.class_f1(gold, guesses, spec.labels[1])
    return metrics


def _score_choices(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, int]
) -> dict[str, float]:
    items = cast(Sequence[ChoiceExample], examples.examples)
    gold = [labelled(example.label, example) for example in items]
    guesses = [predictions[example.id] for example in items]
    return {"accuracy": classification.accuracy(gold, guesses)}


def _score_spans(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Any]
) -> dict[str, float]:
    items = cast(Sequence[SpanExample], examples.examples)
    if spec.has_no_answer:
        answers = {e.id: [a.text for a in e.answers] for e in items}
        for example in items:
            labelled(example.answers if example.answerable else ("none",), example)
        return no_answer.no_answer_scores(
            answers, {n: (p[0], p[1]) for n, p in predictions.items()}
        )
    gold = {e.id: [answer.text for answer in labelled(e.answers, e)] for e in items}
    return spans.span_scores(gold, predictions, normalizer_of(spec, examples.language))


def normalizer_of(spec: TaskSpec, language: str) -> spans.Normalizer:
    """How answers of a task are compared.

    Languages that MLQA does not have (the phrasebook's) are compared by SQuAD's rules.
    """
    own_rules = spec.normalizer == "mlqa" and language in mlqa.LANGUAGES
    return mlqa.normalizer(language) if own_rules else spans.normalize


def _score_tagging(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    items = cast(Sequence[TaggingExample], examples.examples)
    gold = [labelled(example.tags, example) for example in items]
    guesses = [predictions[example.id] for example in items]
    for example, tags in zip(items, guesses, strict=True):
        if len(tags) != len(example.tags):
            raise UserError(
                f"{len(tags)} tags are predicted for the {len(example.tags)} words of example "
                f"{example.id!r}"
            )
    metrics = {"token_accuracy": tagging.token_accuracy(gold, guesses)}
    return {**tagging.span_scores(gold, guesses), **metrics} if "f1" in spec.metrics else metrics


def _score_neighbours(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, str]
) -> dict[str, float]:
    items = cast(Sequence[SentenceExample], examples.examples)
    for example in items:
        labelled(example.matches, example)
    return retrieval.retrieval_scores(items, predictions)


def _score_mined(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Prediction]
) -> dict[str, float]:
    items = cast(Sequence[SentenceExample], examples.examples)
    gold = labelled(tuple(mining.gold_pairs(items)), items[0])
    return mining.pair_scores(gold, accepted_pairs(predictions))


def _score_ranked(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    items = cast(Sequence[SentenceExample], examples.examples)
    gold = {e.id: set(labelled(e.matches, e)) for e in items if e.side == "source"}
    return {"map_at_20": ranking.map_at_20(gold, predictions)}


def _score_masked(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Sequence[float]]
) -> dict[str, float]:
    return masked.masked_scores(predictions[example.id] for example in examples.examples)


_SCORERS: dict[str, Any] = {
    "pair": _score_pairs,
    "choice": _score_choices,
    "span": _score_spans,
    "tagging": _score_tagging,
    "nearest": _score_neighbours,
    "mining": _score_mined,
    "ranking": _score_ranked,
    "mlm": _score_masked,
}


def labelled(gold: T | None, example: Example) -> T:
    """The gold side of an example.

    Raises:
        UserError: there is none (None, or no answers).
    """
    if gold is None or gold == ():
        raise UserError(f"example {example.id!r} has no label to score against")
    return gold
