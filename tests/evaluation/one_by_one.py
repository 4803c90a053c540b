"""Predictions without the farm: one example at a time, no padding, written for clarity."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from dstilts.checkpoints.publish import Published, load_published
from dstilts.core.random_numbers import stream
from dstilts.evaluation.outputs import MAX_ANSWER_TOKENS
from dstilts.evaluation.plan import EvaluationOptions
from dstilts.models.collate import collate
from dstilts.models.encoder import longest_input
from dstilts.models.masking import Masking
from dstilts.models.pooling import mean_pool
from dstilts.tasks.catalog import task
from dstilts.tasks.encode import encode
from dstilts.tasks.encode_span import decode
from dstilts.tasks.examples import ExampleSet

SIDES = ("source", "target")


def predict_one_by_one(folder: Path, examples: ExampleSet) -> dict[str, Any]:
    """By example id what the model says."""
    published = load_published(folder)
    spec = task(examples.task)
    if spec.open_labels:
        spec = dataclasses.replace(spec, labels=published.manifest.heads[str(spec.head)].labels)
    options = EvaluationOptions().encoding(spec.kind, longest_input(published.encoder.config))
    rows = list(encode(examples, spec, published.tokenizer, options))
    return {
        "pair": _pairs,
        "choice": _choices,
        "span": _spans,
        "tagging": _tags,
        "mlm": _masked,
        "nearest": _neighbours,
        "mining": _mined,
        "ranking": _ranked,
    }[spec.protocol or spec.kind](published, examples, rows)


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
    none: dict[str, float] = {}
    for row in rows:
        logits = _logits(published, examples, row)
        example: Any = examples.examples[row["example"]]
        none[example.id] = min(float(logits[0].sum()), none.get(example.id, 1e9))
        first = row["context_start"]
        stop = first + len(row["char_starts"])
        for start in range(first, stop):
            for end in range(start, min(start + MAX_ANSWER_TOKENS, stop)):
                score = float(logits[start, 0] + logits[end, 1])
                text = decode(example.context, row, start, end)
                if text and score > best.get(example.id, (-1e9, ""))[0]:
                    best[example.id] = (score, text)
    if task(examples.task).has_no_answer:
        return {n: [text, pytest.approx(none[n] - score)] for n, (score, text) in best.items()}
    return {name: text for name, (_, text) in best.items()}


def _tags(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    labels = published.manifest.heads[str(task(examples.task).head)].labels
    found: dict[str, list[str]] = {}
    for row in rows:
        best = _logits(published, examples, row).argmax(-1)
        tags = found.setdefault(examples.examples[row["example"]].id, [])
        tags += [labels[best[p]] for p, word in enumerate(row["word_index"]) if word >= 0]
    return found


def _vectors(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    spec = task(examples.task)
    vectors = []
    with torch.inference_mode():
        for row in rows:
            batch = collate([row], "retrieval", 1)
            hidden = published.encoder(**batch).last_hidden_state
            first = spec.pooling == "first"
            vector = hidden[0, 0] if first else mean_pool(hidden, batch["attention_mask"])[0]
            is_cosine = spec.similarity == "cosine"
            vectors.append(torch.nn.functional.normalize(vector, dim=0) if is_cosine else vector)
    return vectors


def _masked(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    masking = Masking.of(published.tokenizer)
    found = {}
    for index, row in enumerate(rows):
        (masked,) = masking.apply([row], stream("masking", "evaluation", index))
        logits = _logits_of_masked(published, masked)
        gold = [label for label in masked["labels"] if label != -100]
        nll = -sum(float(line.log_softmax(0)[g]) for line, g in zip(logits, gold, strict=True))
        right = sum(int(line.argmax()) == g for line, g in zip(logits, gold, strict=True))
        found[examples.examples[row["example"]].id] = [pytest.approx(nll), len(gold), right]
    return found


def _logits_of_masked(published: Published, row: dict[str, Any]) -> torch.Tensor:
    return published.model().predict({**collate([row], "mlm", 1), "head": "mlm"})


def _mined(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    """The margin of every pair of texts, then the best pairs whose texts are still free."""
    vectors = _vectors(published, examples, rows)
    items: Any = examples.examples
    texts = {side: {e.text: i for i, e in enumerate(items) if e.side == side} for side in SIDES}
    sides = [list(texts[side].values()) for side in SIDES]
    cosines = {(i, j): float(vectors[i] @ vectors[j]) for i in sides[0] for j in sides[1]}

    def mean(values: list[float]) -> float:
        best = sorted(values, reverse=True)[:4]
        return sum(best) / len(best)

    means = {i: mean([cosines[i, j] for j in sides[1]]) for i in sides[0]}
    means |= {j: mean([cosines[i, j] for i in sides[0]]) for j in sides[1]}
    margins = {(i, j): c / ((means[i] + means[j]) / 2) for (i, j), c in cosines.items()}
    # A row proposes among its four nearest only.
    proposals = set()
    for mine, others, pair in (
        (sides[0], sides[1], lambda a, b: (a, b)),
        (sides[1], sides[0], lambda a, b: (b, a)),
    ):
        for i in mine:
            near = sorted(others, key=lambda j: -cosines[pair(i, j)])[:4]
            proposals.add(pair(i, max(near, key=lambda j: margins[pair(i, j)])))
    found: dict[str, Any] = {}
    taken: set[int] = set()
    counts = Counter((e.side, e.text) for e in items)
    for i, j in sorted(proposals, key=lambda p: -margins[p]):
        if not {i, j} & taken:
            taken |= {i, j}
            if all(counts[items[k].side, items[k].text] == 1 for k in (i, j)):
                found[items[i].id] = [items[j].id, pytest.approx(margins[i, j])]
    gold = {(e.id, match) for e in items if e.side == "source" for match in e.matches}
    best = (0.0, 0.0)
    pairs = [(source, target, score.expected) for source, (target, score) in found.items()]
    for number in range(1, len(pairs) + 1):
        right = sum((s, t) in gold for s, t, _ in pairs[:number])
        after = pairs[number][2] if number < len(pairs) else pairs[number - 1][2]
        f1 = 2 * right / (number + len(gold))
        if f1 > best[0]:
            best = (f1, (pairs[number - 1][2] + after) / 2)
    return {**found, "threshold": pytest.approx(best[1])}


def _ranked(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    vectors = _vectors(published, examples, rows)
    items: Any = examples.examples
    targets = [i for i, e in enumerate(items) if e.side == "target"]
    found = {}
    for index, example in enumerate(items):
        if example.side == "source":
            order = sorted(targets, key=lambda i: -float(vectors[index] @ vectors[i]))
            found[example.id] = [items[i].id for i in order[:20]]
    return found


def _neighbours(published: Published, examples: ExampleSet, rows: list[dict[str, Any]]) -> Any:
    vectors = _vectors(published, examples, rows)
    found = {}
    items: Any = examples.examples
    for index, example in enumerate(items):
        others = [i for i, other in enumerate(items) if other.side != example.side]
        # Rounded, so that sentences of the same text tie and the first one is taken.
        scores = [round(float(vectors[index] @ vectors[other]), 5) for other in others]
        found[example.id] = items[others[scores.index(max(scores))]].id
    return found
