"""Predictions without the farm: one example at a time, no padding, written for clarity."""

from pathlib import Path
from typing import Any

import torch

from dstilts.checkpoints.publish import Published, load_published
from dstilts.evaluation.outputs import MAX_ANSWER_TOKENS
from dstilts.evaluation.plan import EvaluationOptions
from dstilts.models.collate import collate
from dstilts.models.encoder import longest_input
from dstilts.models.pooling import mean_pool
from dstilts.tasks.catalog import task
from dstilts.tasks.encode import encode
from dstilts.tasks.encode_span import decode
from dstilts.tasks.examples import ExampleSet


def predict_one_by_one(folder: Path, examples: ExampleSet) -> dict[str, Any]:
    """By example id what the model says."""
    published = load_published(folder)
    spec = task(examples.task)
    options = EvaluationOptions().encoding(spec.kind, longest_input(published.encoder.config))
    rows = list(encode(examples, spec, published.tokenizer, options))
    return {
        "pair": _pairs,
        "choice": _choices,
        "span": _spans,
        "tagging": _tags,
        "retrieval": _neighbours,
    }[spec.kind](published, examples, rows)


def _logits(published: Published, examples: ExampleSet, row: dict[str, Any]) -> torch.Tensor:
    spec = task(examples.task)
    batch = {**collate([row], spec.kind, 1), "head": str(spec.head)}
    return published.model().predict(batch)[0]


def _pairs(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    labels = task(examples.task).labels
    return {
        examples.examples[row["example"]].id: labels[_logits(published, examples, row).argmax()]
        for row in rows
    }


def _choices(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    found = {}
    for row in rows:
        scores = []
        for ids in row["choice_input_ids"]:
            alone = {**row, "choice_input_ids": [ids]}
            scores.append(float(_logits(published, examples, alone)[0]))
        found[examples.examples[row["example"]].id] = scores.index(max(scores))
    return found


def _spans(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    best: dict[str, tuple[float, str]] = {}
    for row in rows:
        logits = _logits(published, examples, row)
        example: Any = examples.examples[row["example"]]
        first = row["context_start"]
        stop = first + len(row["char_starts"])
        for start in range(first, stop):
            for end in range(start, min(start + MAX_ANSWER_TOKENS, stop)):
                score = float(logits[start, 0] + logits[end, 1])
                text = decode(example.context, row, start, end)
                if text and score > best.get(example.id, (-1e9, ""))[0]:
                    best[example.id] = (score, text)
    return {name: text for name, (_, text) in best.items()}


def _tags(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    labels = task(examples.task).labels
    found: dict[str, list[str]] = {}
    for row in rows:
        best = _logits(published, examples, row).argmax(-1)
        tags = found.setdefault(examples.examples[row["example"]].id, [])
        tags += [labels[best[p]] for p, word in enumerate(row["word_index"]) if word >= 0]
    return found


def _neighbours(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    vectors = []
    with torch.inference_mode():
        for row in rows:
            batch = collate([row], "retrieval", 1)
            hidden = published.encoder(**batch).last_hidden_state
            vectors.append(
                torch.nn.functional.normalize(mean_pool(hidden, batch["attention_mask"])[0], dim=0)
            )
    found = {}
    items: Any = examples.examples
    for index, example in enumerate(items):
        others = [i for i, other in enumerate(items) if other.side != example.side]
        # Rounded, so that sentences of the same text tie and the first one is taken.
        scores = [round(float(vectors[index] @ vectors[other]), 5) for other in others]
        found[example.id] = items[others[scores.index(max(scores))]].id
    return found
