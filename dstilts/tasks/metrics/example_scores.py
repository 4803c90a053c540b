"""What each example adds to a task's main metric, for intervals and comparisons of two models.

Every main metric is 100 times one sum over the examples divided by another: an accuracy divides by
the number of examples, an F1 twice the hits by what is found and what is to be found.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.metrics import mining, no_answer, ranking, spans, tagging
from dstilts.tasks.metrics.score import Prediction, accepted_pairs, normalizer_of

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ExampleScores:
    """The main metric of a task, example by example.

    What is one example is what is drawn at random: a pair, a question, a sentence with its tags; of
    Tatoeba an English sentence, of BUCC a source sentence.

    Attributes:
        metric: its name.
        ids: of the examples (N).
        numerators, denominators: of each example (N,).
    """

    metric: str
    ids: tuple[str, ...]
    numerators: Numbers
    denominators: Numbers

    @property
    def value(self) -> float:
        """The metric in per cent: what `score` gives."""
        total = self.denominators.sum()
        return 100 * float(self.numerators.sum() / total) if total else 0.0


def example_scores(
    spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Prediction]
) -> ExampleScores:
    """The main metric of predictions that `score` has scored, example by example.

    Thresholds (mined pairs, "no answer") are those of the whole set.
    """
    found: dict[str, tuple[float, float]]
    found = _SCORES[spec.protocol or spec.kind](spec, examples, predictions)
    numerators, denominators = np.array(list(found.values()), dtype=np.float64).T
    return ExampleScores(spec.main_metric, tuple(found), numerators, denominators)


_Scores = dict[str, tuple[float, float]]  # by example id: what is added above and below


def _labels(spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Any]) -> _Scores:
    items = cast(Any, examples.examples)
    return {e.id: (float(predictions[e.id] == e.label), 1.0) for e in items}


def _spans(spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Any]) -> _Scores:
    items = cast(Any, examples.examples)
    gold = {e.id: [answer.text for answer in e.answers] for e in items}
    if spec.has_no_answer:
        found = no_answer.question_scores(gold, {n: (p[0], p[1]) for n, p in predictions.items()})
        return {name: (score, 1.0) for name, score in zip(gold, found, strict=True)}
    normalizer = normalizer_of(spec, examples.language)
    return {
        name: (spans.best_f1(predictions[name], answers, normalizer), 1.0)
        if name in predictions
        else (0.0, 1.0)
        for name, answers in gold.items()
    }


def _tagging(spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Any]) -> _Scores:
    items = cast(Any, examples.examples)
    gold, guesses = [e.tags for e in items], [predictions[e.id] for e in items]
    if spec.main_metric == "f1":
        counts = tagging.sentence_counts(gold, guesses).tolist()
        sums = [(2.0 * hits, float(found + wanted)) for hits, found, wanted in counts]
    else:
        sums = [
            (float(sum(a == b for a, b in zip(*pair, strict=True))), float(len(pair[0])))
            for pair in zip(gold, guesses, strict=True)
        ]
    return {e.id: pair for e, pair in zip(items, sums, strict=True)}


def _neighbours(spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Any]) -> _Scores:
    items = cast(Any, examples.examples)
    asked = (e for e in items if e.side == "target")
    return {e.id: (float(predictions[e.id] in e.matches), 1.0) for e in asked}


def _mined(spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Any]) -> _Scores:
    items = cast(Any, examples.examples)
    gold = mining.gold_pairs(items)
    sums = {e.id: [0.0, 0.0] for e in items if e.side == "source"}
    for pair in set(accepted_pairs(predictions)):
        sums[pair[0]][0] += 2.0 * (pair in gold)
        sums[pair[0]][1] += 1.0
    for source, _ in gold:
        sums[source][1] += 1.0
    return {name: (above, below) for name, (above, below) in sums.items()}


def _ranked(spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Any]) -> _Scores:
    items = cast(Any, examples.examples)
    return {
        e.id: (ranking.average_precision(predictions.get(e.id, ()), set(e.matches)), 1.0)
        for e in items
        if e.side == "source"
    }


def _masked(spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Any]) -> _Scores:
    found = ((e.id, predictions[e.id]) for e in examples.examples)
    return {name: (float(right), float(count)) for name, (_, count, right) in found}


_SCORES: Mapping[str, Any] = {
    "pair": _labels,
    "choice": _labels,
    "span": _spans,
    "tagging": _tagging,
    "nearest": _neighbours,
    "mining": _mined,
    "ranking": _ranked,
    "mlm": _masked,
}
