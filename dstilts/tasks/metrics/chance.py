"""What a task's metrics are for somebody who has learnt nothing: the floor of every table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from dstilts.core.random_numbers import stream
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import (
    ChoiceExample,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)
from dstilts.tasks.metrics.mining import gold_pairs
from dstilts.tasks.metrics.ranking import NUM_RANKED
from dstilts.tasks.metrics.score import labelled, score

T = TypeVar("T")

_NUM_DRAWS = 8  # random spans for each question


def chance(spec: TaskSpec, examples: ExampleSet) -> dict[str, float]:
    """The metrics of `score`, in per cent, at chance level.

    Pairs: always the most frequent label of the set. Choices: a uniform choice. Spans: a run of
    words of the context, of the set's mean gold length, at a uniform place (expected by a fixed
    draw), or never an answer where some questions have none. Tagging: always the most frequent tag.
    Retrieval: a uniform sentence of the other side, as many pairs as there are gold ones, or
    candidates in random order. Masked words: no level is given.

    Raises:
        UserError: an example is unlabelled.
    """
    level: dict[str, float] = _LEVELS[spec.protocol or spec.kind](spec, examples, examples.examples)
    return level


def _pairs(spec: TaskSpec, examples: ExampleSet, items: Sequence[PairExample]) -> dict[str, float]:
    most = _most_frequent(labelled(example.label, example) for example in items)
    return score(spec, examples, {example.id: most for example in items})


def _choices(
    spec: TaskSpec, examples: ExampleSet, items: Sequence[ChoiceExample]
) -> dict[str, float]:
    return {"accuracy": 100 * float(np.mean([1 / len(example.choices) for example in items]))}


def _spans(spec: TaskSpec, examples: ExampleSet, items: Sequence[SpanExample]) -> dict[str, float]:
    if spec.has_no_answer:
        return score(spec, examples, {example.id: ["", 0.0] for example in items})
    answers = [answer for example in items for answer in labelled(example.answers, example)]
    lengths = [len(answer.text.split()) for answer in answers]
    num_words = max(1, round(float(np.mean(lengths))))
    random = stream("chance", spec.name, examples.language)
    draws = [
        score(spec, examples, {e.id: _random_words(e.context, num_words, random) for e in items})
        for _ in range(_NUM_DRAWS)
    ]
    return {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]}


def _random_words(context: str, num_words: int, random: np.random.Generator) -> str:
    words = context.split()
    start = int(random.integers(max(1, len(words) - num_words + 1)))
    return " ".join(words[start : start + num_words])


def _tagging(
    spec: TaskSpec, examples: ExampleSet, items: Sequence[TaggingExample]
) -> dict[str, float]:
    most = _most_frequent(tag for example in items for tag in labelled(example.tags, example))
    return score(spec, examples, {example.id: [most] * len(example.tags) for example in items})


def _retrieval(
    spec: TaskSpec, examples: ExampleSet, items: Sequence[SentenceExample]
) -> dict[str, float]:
    targets = [example for example in items if example.side == "target"]
    sources = [example for example in items if example.side == "source"]
    return {
        "accuracy": _share_of_matches(targets, sources),
        "accuracy_xx_en": _share_of_matches(sources, targets),
    }


def _mining(
    spec: TaskSpec, examples: ExampleSet, items: Sequence[SentenceExample]
) -> dict[str, float]:
    sides = Counter(example.side for example in items)
    num_gold = len(labelled(tuple(gold_pairs(items)), items[0]))
    return dict.fromkeys(spec.metrics, 100 * num_gold / (sides["source"] * sides["target"]))


def _ranking(
    spec: TaskSpec, examples: ExampleSet, items: Sequence[SentenceExample]
) -> dict[str, float]:
    num_candidates = sum(example.side == "target" for example in items)
    right = [len(labelled(e.matches, e)) for e in items if e.side == "source"]
    levels = [_expected_precision(number, num_candidates) for number in right]
    return {"map_at_20": 100 * float(np.mean(levels))}


def _expected_precision(num_right: int, num_candidates: int) -> float:
    """The expected average precision at 20 of a random order."""
    places = np.arange(1, min(NUM_RANKED, num_candidates) + 1)
    others = (num_right - 1) / max(1, num_candidates - 1)
    precisions = (1 + (places - 1) * others) / places
    is_right = num_right / num_candidates
    return float(is_right * precisions.sum() / min(num_right, NUM_RANKED))


def _none(spec: TaskSpec, examples: ExampleSet, items: Sequence[object]) -> dict[str, float]:
    return {}


def _share_of_matches(
    queries: Sequence[SentenceExample], candidates: Sequence[SentenceExample]
) -> float:
    matches = [len(labelled(query.matches, query)) for query in queries]
    return 100 * float(np.mean(matches)) / len(candidates)


def _most_frequent(values: Iterable[T]) -> T:
    # Ties go to the first in the alphabet, so that the level does not depend on the order.
    return min(Counter(values).items(), key=lambda item: (-item[1], str(item[0])))[0]


_LEVELS: Mapping[str, Any] = {
    "pair": _pairs,
    "choice": _choices,
    "span": _spans,
    "tagging": _tagging,
    "nearest": _retrieval,
    "mining": _mining,
    "ranking": _ranking,
    "mlm": _none,
}
