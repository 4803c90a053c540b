"""Predictions and labels of a set as the benchmarks' files."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dstilts.core.files import write_text
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import ExampleSet, SentenceExample, SpanExample
from dstilts.tasks.metrics.mining import Pair, gold_pairs
from dstilts.tasks.metrics.score import Prediction, accepted_pairs, check_complete
from dstilts.tasks.submission.layout import file_name


def is_written(spec: TaskSpec) -> bool:
    """Whether the layout has a place for the task: for target tasks."""
    return "target" in spec.roles


def write_submission(
    folder: Path, spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Prediction]
) -> Path:
    """Writes `<task>/test-<language>.*` below a folder, whatever the split is; returns the file.

    Args:
        predictions: by example id, as `score` takes them.

    Raises:
        UserError: a prediction is missing where each example needs one.
    """
    check_complete(spec, examples, predictions)
    return _write(folder, spec, examples, _PREDICTIONS[spec.protocol or spec.kind], predictions)


def write_labels(folder: Path, spec: TaskSpec, examples: ExampleSet) -> Path:
    """Writes the gold side of labelled examples in the same layout; returns the file."""
    return _write(folder, spec, examples, _LABELS[spec.protocol or spec.kind])


def _write(
    folder: Path, spec: TaskSpec, examples: ExampleSet, content: Callable[..., str], *given: Any
) -> Path:
    path = folder / spec.name / file_name(spec, examples.language)
    write_text(path, content(examples.examples, *given))
    return path


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _choices(labels: Sequence[int]) -> str:
    return _lines([json.dumps({"label": label}) for label in labels])


def _tags(sentences: Sequence[Sequence[str]]) -> str:
    return "\n\n".join("\n".join(tags) for tags in sentences) + "\n"


def _pairs(pairs: Sequence[Pair]) -> str:
    return _lines(["\t".join(pair) for pair in sorted(pairs)])


def _by_id(items: Sequence[Any], predictions: Mapping[str, Any]) -> str:
    return _json({e.id: predictions[e.id] for e in items if e.id in predictions})


def _answers(items: Sequence[SpanExample]) -> str:
    paragraphs: dict[str, list[dict[str, Any]]] = {}
    for example in items:
        answers = [{"text": a.text, "answer_start": a.start} for a in example.answers]
        question = {"id": example.id, "question": example.question, "answers": answers}
        paragraphs.setdefault(example.context, []).append(question)
    data = [{"context": context, "qas": questions} for context, questions in paragraphs.items()]
    return _json({"data": [{"paragraphs": data}]})


def _places(items: Sequence[SentenceExample], found: Mapping[str, Sequence[str]]) -> str:
    """For each English sentence the numbers of others, from 0, in the order of their file.

    The official files have the English sentences sorted, so that equal numbers tell nothing.
    """
    places = {e.id: str(n) for n, e in enumerate(e for e in items if e.side == "source")}
    english = sorted((e for e in items if e.side == "target"), key=lambda e: e.text.strip())
    return _lines([" ".join(places[name] for name in found[e.id]) for e in english])


_PREDICTIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "pair": lambda items, found: _lines([found[e.id] for e in items]),
    "choice": lambda items, found: _choices([found[e.id] for e in items]),
    "tagging": lambda items, found: _tags([found[e.id] for e in items]),
    "span": _by_id,
    "nearest": lambda items, found: _places(items, {name: [found[name]] for name in found}),
    "mining": lambda items, found: _pairs(accepted_pairs(found)),
    "ranking": _by_id,
}
_LABELS: Mapping[str, Callable[[Any], str]] = {
    "pair": lambda items: _lines([e.label for e in items]),
    "choice": lambda items: _choices([e.label for e in items]),
    "tagging": lambda items: _tags([e.tags for e in items]),
    "span": _answers,
    "nearest": lambda items: _places(items, {e.id: e.matches for e in items}),
    "mining": lambda items: _pairs(list(gold_pairs(items))),
    "ranking": lambda items: _json({e.id: e.matches for e in items if e.side == "source"}),
}
