"""The scores of one file of predictions against its file of labels."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.metrics import classification, mining, mlqa, ranking, spans, tagging
from dstilts.tasks.readers.json_values import read_json_file
from dstilts.tasks.submission.layout import read_blocks, read_pairs, read_values

Metrics = dict[str, float]


def file_scores(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> Metrics:
    """The official metrics of one task and language, in per cent.

    Raises:
        UserError: a file is missing or broken, or the two do not fit each other.
    """
    return _SCORERS[spec.protocol or spec.kind](spec, language, predictions, labels)


def _accuracy(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> Metrics:
    gold, guesses = read_values(labels), read_values(predictions)
    _check_number(len(guesses), len(gold), "lines", predictions, labels)
    if spec.labels:
        for number, guess in enumerate(guesses, start=1):
            if guess not in spec.labels:
                known = ", ".join(spec.labels)
                raise UserError(
                    f"unknown label {guess!r}",
                    file=predictions,
                    line=number,
                    remedy=f"known: {known}",
                )
    return {"accuracy": classification.accuracy(gold, guesses)}


def _tags(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> Metrics:
    gold, guesses = read_blocks(labels), read_blocks(predictions)
    _check_number(len(guesses), len(gold), "sentences", predictions, labels)
    for number, (tags, guessed) in enumerate(zip(gold, guesses, strict=True), start=1):
        if len(tags) != len(guessed):
            raise UserError(
                f"{len(guessed)} tags for the {len(tags)} words of sentence {number}",
                file=predictions,
            )
    scores = tagging.span_scores(gold, guesses)
    return {name: scores[name] for name in ("f1", "precision", "recall")}


def _spans(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> Metrics:
    gold = _gold_answers(labels)
    texts = _object(predictions, str, "the text of an answer")
    try:
        normalizer = mlqa.normalizer(language) if spec.normalizer == "mlqa" else spans.normalize
    except ValueError as error:
        raise UserError(str(error), file=predictions) from None
    return spans.span_scores(gold, texts, normalizer)


def _pairs(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> Metrics:
    gold = read_pairs(labels)
    if not gold:
        raise UserError("no gold pairs", file=labels)
    return mining.pair_scores(gold, read_pairs(predictions))


def _ranked(spec: TaskSpec, language: str, predictions: Path, labels: Path) -> Metrics:
    gold = _object(labels, list, "a list of right candidates")
    for name, right in gold.items():
        if not right:
            raise UserError(f"{name!r} has no right candidate", file=labels)
    ranked = _object(predictions, list, "a list of candidates")
    right_ones = {name: set(right) for name, right in gold.items()}
    return {"map_at_20": ranking.map_at_20(right_ones, ranked)}


def _object(path: Path, kind: type, what: str) -> dict[str, Any]:
    table = read_json_file(path)
    if not isinstance(table, dict) or not table:
        raise UserError("not a JSON object with ids", file=path)
    for name, value in table.items():
        if not isinstance(value, kind):
            raise UserError(f"{name!r} is {value!r:.40}, not {what}", file=path)
    return table


def _gold_answers(path: Path) -> dict[str, list[str]]:
    """The answers of each question of a file in SQuAD's layout, whatever their places are."""
    table = read_json_file(path)
    try:
        found = {
            question["id"]: [answer["text"] for answer in question["answers"]]
            for article in table["data"]
            for paragraph in article["paragraphs"]
            for question in paragraph["qas"]
        }
    except (KeyError, TypeError) as error:
        raise UserError(f"not in SQuAD's layout: {error}", file=path) from None
    for name, answers in found.items():
        if not answers:
            raise UserError(f"question {name!r} has no answer", file=path)
    if not found:
        raise UserError("no questions", file=path)
    return found


def _check_number(found: int, expected: int, what: str, predictions: Path, labels: Path) -> None:
    if not expected:
        raise UserError(f"no {what}", file=labels)
    if found != expected:
        raise UserError(f"{found} {what} where {labels} has {expected}", file=predictions)


_SCORERS: Mapping[str, Callable[[TaskSpec, str, Path, Path], Metrics]] = {
    "pair": _accuracy,
    "choice": _accuracy,
    "tagging": _tags,
    "span": _spans,
    "nearest": _accuracy,
    "mining": _pairs,
    "ranking": _ranked,
}
