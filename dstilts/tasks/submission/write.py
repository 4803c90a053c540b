"""Predictions and labels of a set as the benchmarks' files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dstilts.core.files import write_text
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.metrics.mining import gold_pairs
from dstilts.tasks.metrics.score import Prediction, accepted_pairs
from dstilts.tasks.submission.layout import file_name


def is_written(spec: TaskSpec) -> bool:
    """Whether the layout has a place for the task: for target tasks."""
    return "target" in spec.roles and not spec.has_no_answer


def write_submission(
    folder: Path, spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Prediction]
) -> Path:
    """Writes `<task>/test-<language>.*` below a folder, whatever the split is; returns the file."""
    return _write(folder, spec, examples, predictions)


def write_labels(folder: Path, spec: TaskSpec, examples: ExampleSet) -> Path:
    """Writes the gold side in the same layout."""
    items: Any = examples.examples
    path = folder / spec.name / file_name(spec, examples.language)
    if spec.kind == "span":
        write_text(path, _squad(items))
        return path
    gold: dict[str, Any]
    match spec.protocol or spec.kind:
        case "tagging":
            gold = {e.id: e.tags for e in items}
        case "nearest":
            gold = {e.id: e.matches[0] for e in items}
        case "mining":
            gold = {source: [target, 1.0] for source, target in gold_pairs(items)}
            gold["threshold"] = 0.0
        case "ranking":
            gold = {e.id: e.matches for e in items if e.side == "source"}
        case _:
            gold = {e.id: e.label for e in items}
    return _write(folder, spec, examples, gold)


def _write(
    folder: Path, spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Any]
) -> Path:
    path = folder / spec.name / file_name(spec, examples.language)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, _content(spec, examples, predictions))
    return path


def _content(spec: TaskSpec, examples: ExampleSet, predictions: Mapping[str, Any]) -> str:
    items: Any = examples.examples
    match spec.protocol or spec.kind:
        case "span" | "ranking":
            return json.dumps(dict(predictions), ensure_ascii=False, indent=1) + "\n"
        case "tagging":
            blocks = ("\n".join(predictions[e.id]) for e in items)
            return "\n\n".join(blocks) + "\n"
        case "nearest":
            # XTREME's Tatoeba: for each English sentence the number of the other one.
            places = {e.id: n for n, e in enumerate(e for e in items if e.side == "source")}
            lines = [str(places[predictions[e.id]]) for e in items if e.side == "target"]
        case "mining":
            lines = ["\t".join(pair) for pair in sorted(accepted_pairs(predictions))]
        case _:
            lines = [str(predictions[e.id]) for e in items]
    return "".join(f"{line}\n" for line in lines)


def _squad(items: Any) -> str:
    paragraphs: dict[str, list[dict[str, Any]]] = {}
    for example in items:
        answers = [{"text": a.text, "answer_start": a.start} for a in example.answers]
        question = {"id": example.id, "question": example.question, "answers": answers}
        paragraphs.setdefault(example.context, []).append(question)
    data = [{"context": context, "qas": questions} for context, questions in paragraphs.items()]
    return json.dumps({"data": [{"paragraphs": data}]}, ensure_ascii=False, indent=1) + "\n"
