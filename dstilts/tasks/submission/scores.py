"""The scores of one file of predictions against its file of labels."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.metrics import classification, mining, mlqa, ranking, spans, tagging
from dstilts.tasks.submission.read import (
    Sentence,
    Value,
    read_answers,
    read_ids,
    read_numbers,
    read_pairs,
    read_sentences,
    read_texts,
    read_values,
)

Metrics = dict[str, float]


@dataclass(frozen=True)
class FileScores:
    """The official metrics of one task and language, in per cent.

    Attributes:
        metrics: by their official names, the one that counts first.
        num_questions: of the labels.
        num_unanswered: those of them that the predictions leave out, which score 0; only where
            predictions have ids.
    """

    metrics: Metrics
    num_questions: int
    num_unanswered: int = 0


def file_scores(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> FileScores:
    """Scores one file as the benchmarks' scripts do.

    Raises:
        UserError: a file is missing or broken, or the two do not fit each other.
    """
    return _SCORERS[spec.protocol or spec.kind](spec, language, predictions, labels)


def _labels(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> FileScores:
    known = spec.labels or tuple(map(str, range(spec.num_choices or 0)))
    gold, guesses = read_values(labels, known), read_values(predictions, known)
    _check_number(guesses, gold, "lines", predictions, labels)
    pairs = [value.text for value in gold], [value.text for value in guesses]
    return FileScores({"accuracy": classification.accuracy(*pairs)}, len(gold))


def _lines(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> FileScores:
    gold, guesses = read_numbers(labels, several=True), read_numbers(predictions)
    _check_number(guesses, gold, "lines", predictions, labels)
    hits = [guess.text in right.text.split(" ") for guess, right in zip(guesses, gold, strict=True)]
    return FileScores({"accuracy": 100 * sum(hits) / len(hits)}, len(gold))


def _tags(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> FileScores:
    gold, guesses = read_sentences(labels, spec.labels), read_sentences(predictions, spec.labels)
    # The sentence that does not fit tells more than a wrong number of them.
    for right, guess in zip(gold, guesses, strict=False):
        if len(right.tags) != len(guess.tags):
            raise UserError(
                f"{len(guess.tags)} tags for a sentence of {len(right.tags)}",
                file=predictions,
                line=guess.line,
                remedy=f"see {labels}:{right.line}",
            )
    _check_number(guesses, gold, "sentences", predictions, labels)
    scores = tagging.span_scores([s.tags for s in gold], [s.tags for s in guesses])
    return FileScores({name: scores[name] for name in ("f1", "precision", "recall")}, len(gold))


def _answers(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> FileScores:
    gold, texts = read_answers(labels), read_texts(predictions)
    normalizer = mlqa.normalizer(language) if spec.normalizer == "mlqa" else spans.normalize
    metrics = spans.span_scores(gold, texts, normalizer)
    return FileScores(metrics, len(gold), _num_unanswered(gold, texts))


def _pairs(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> FileScores:
    gold = read_pairs(labels)
    if not gold:
        raise UserError("no gold pairs", file=labels)
    return FileScores(mining.pair_scores(gold, read_pairs(predictions)), len(gold))


def _ranked(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> FileScores:
    gold = {name: set(right) for name, right in read_ids(labels).items()}
    if not gold or not all(gold.values()):
        raise UserError("a question without a right candidate, or no question", file=labels)
    ranked = read_ids(predictions)
    metrics = {"map_at_20": ranking.map_at_20(gold, ranked)}
    return FileScores(metrics, len(gold), _num_unanswered(gold, ranked))


def _num_unanswered(gold: Collection[str], predicted: Collection[str]) -> int:
    return sum(name not in predicted for name in gold)


def _check_number(
    found: Sequence[Value | Sentence],
    expected: Sequence[Value | Sentence],
    what: str,
    predictions: Path,
    labels: Path,
) -> None:
    if not expected:
        raise UserError(f"no {what}", file=labels)
    if len(found) != len(expected):
        # The first line too many, or the last one.
        place = min(len(expected), len(found) - 1)
        raise UserError(
            f"{len(found)} {what} where {labels} has {len(expected)}",
            file=predictions,
            line=found[place].line if found else None,
            remedy="the same number is needed, in the same order",
        )


_SCORERS: Mapping[str, Callable[[TaskSpec, str, Path, Path], FileScores]] = {
    "pair": _labels,
    "choice": _labels,
    "tagging": _tags,
    "span": _answers,
    "nearest": _lines,
    "mining": _pairs,
    "ranking": _ranked,
}
