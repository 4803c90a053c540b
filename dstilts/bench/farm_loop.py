"""The sequential loop of the benchmark's scripts: task after task, language after language.

A model for each task, examples in the order of their file, every batch padded: pairs and words to
128 tokens, windows of contexts to 384, sentences to the longest one of their batch. The forward
passes are plain transformers; the rows, the choice of an answer's span and the search for nearest
sentences follow the same rules as ours, so that what may differ is the batches alone. Generous to
the scripts: these load a model anew for each language of questions and for each side of a retrieval
task, tokenise in Python and keep the states of all layers.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from dstilts.checkpoints.manifest import read_manifest
from dstilts.checkpoints.publish import HEADS_FILE
from dstilts.evaluation.outputs import best_span
from dstilts.evaluation.plan import EvaluationOptions
from dstilts.models.encoder import EncoderBundle, load_encoder
from dstilts.models.multitask import MultiTaskModel
from dstilts.models.pooling import mean_pool
from dstilts.retrieval.bucc import mine_translations
from dstilts.retrieval.tatoeba import nearest_sentences
from dstilts.tasks.catalog import TaskSpec, task
from dstilts.tasks.encode import encode
from dstilts.tasks.encode_tagging import NO_WORD
from dstilts.tasks.examples import ExampleSet, SentenceExample
from dstilts.tasks.metrics import mining
from dstilts.tasks.metrics.score import THRESHOLD, Prediction, score

BATCH_SIZES = {"pair": 32, "tagging": 32, "span": 8, "retrieval": 100}

Row = dict[str, Any]


@dataclass
class Found:
    """What the loop gives: predictions and scores by set, and what it cost."""

    predictions: dict[str, dict[str, Prediction]] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    begun: float = 0.0  # time of day at the first batch
    seconds: float = 0.0  # of all batches and what is read off them
    num_tokens: dict[str, int] = field(default_factory=dict)  # by task, without padding
    num_padded_tokens: dict[str, int] = field(default_factory=dict)


def run_loop(folder: Path, sets: Sequence[ExampleSet], options: EvaluationOptions) -> Found:
    """Evaluates a published model on all sets, in their order.

    Raises:
        UserError: the model cannot be read.
    """
    found = Found()
    model: _Model | None = None
    for examples in sets:
        if model is None or model.spec.name != examples.task:
            model = _Model(folder, task(examples.task), options, found)
        name = f"{examples.task}.{examples.language}.{examples.split}"
        found.predictions[name] = model.predict(examples)
        found.scores[name] = score(model.spec, examples, found.predictions[name])
    return found


class _Model:
    """The model of one task."""

    def __init__(
        self, folder: Path, spec: TaskSpec, options: EvaluationOptions, found: Found
    ) -> None:
        self.spec = spec
        self._bundle: EncoderBundle = load_encoder(str(folder))
        self._pad_id = int(self._bundle.tokenizer.pad_token_id)
        self._model = MultiTaskModel(self._bundle.model, read_manifest(folder).heads)
        self._model.bank.heads.load_state_dict(load_file(folder / HEADS_FILE))
        self._model.eval()
        self._options = options.encoding(spec.kind, self._bundle.max_length)
        self._found = found

    def predict(self, examples: ExampleSet) -> dict[str, Prediction]:
        """The predictions for a set, by example id."""
        rows = list(encode(examples, self.spec, self._bundle.tokenizer, self._options))
        begin = time.time()
        self._found.begun = self._found.begun or begin
        predictions: dict[str, Prediction] = getattr(self, f"_{self.spec.kind}")(examples, rows)
        self._found.seconds += time.time() - begin
        return predictions

    def _pair(self, examples: ExampleSet, rows: list[Row]) -> dict[str, Prediction]:
        best = [int(line.argmax()) for line in self._logits(rows)]
        return {e.id: self.spec.labels[b] for e, b in zip(examples.examples, best, strict=True)}

    def _tagging(self, examples: ExampleSet, rows: list[Row]) -> dict[str, Prediction]:
        tags: dict[str, list[str]] = {example.id: [] for example in examples.examples}
        for row, logits_TL in zip(rows, self._logits(rows), strict=True):
            best = logits_TL.argmax(-1)
            mine = tags[examples.examples[row["example"]].id]
            for place, word in enumerate(row["word_index"]):
                if word != NO_WORD:
                    mine.append(self.spec.labels[int(best[place])])
        return {**tags}

    def _span(self, examples: ExampleSet, rows: list[Row]) -> dict[str, Prediction]:
        scores: dict[str, float] = {}
        texts: dict[str, Prediction] = {}
        for row, logits_T2 in zip(rows, self._logits(rows), strict=True):
            example: Any = examples.examples[row["example"]]
            stop = row["context_start"] + len(row["char_starts"])
            part_N2 = logits_T2[row["context_start"] : stop].numpy()
            borders = np.array(row["char_starts"]), np.array(row["char_ends"])
            value, first, last = best_span(part_N2[:, 0], part_N2[:, 1], *borders)
            if value > scores.get(example.id, -np.inf):
                scores[example.id] = value
                texts[example.id] = example.context[borders[0][first] : borders[1][last]]
        return texts

    def _retrieval(self, examples: ExampleSet, rows: list[Row]) -> dict[str, Prediction]:
        sentences = [e for e in examples.examples if isinstance(e, SentenceExample)]
        vectors = torch.empty(len(sentences), self._bundle.model.config.hidden_size)
        for side in ("source", "target"):  # each is a file of its own
            places = [n for n, sentence in enumerate(sentences) if sentence.side == side]
            vectors[places] = torch.stack(list(self._logits([rows[n] for n in places])))
        if self.spec.protocol != "mining":
            return {**nearest_sentences(sentences, vectors)}
        pairs = mine_translations(sentences, vectors)
        threshold = mining.best_threshold(sentences, pairs)
        return {**{source: list(pair) for source, pair in pairs.items()}, THRESHOLD: threshold}

    @torch.inference_mode()
    def _logits(self, rows: Sequence[Row]) -> Iterator[Tensor]:
        """The outputs of each row in turn: logits, or the vector of a sentence."""
        size = BATCH_SIZES[self.spec.kind]
        for first in range(0, len(rows), size):
            batch = self._batch(rows[first : first + size])
            hidden_BTH = self._model.encoder(**batch).last_hidden_state
            if self.spec.kind == "retrieval":
                yield from mean_pool(hidden_BTH, batch["attention_mask"])
            else:
                yield from self._model.logits(hidden_BTH, {"head": str(self.spec.head)}).float()

    def _batch(self, rows: Sequence[Row]) -> dict[str, Tensor]:
        lengths = [len(row["input_ids"]) for row in rows]
        longest = max(lengths) if self.spec.kind == "retrieval" else self._options.max_length
        ids = torch.full((len(rows), longest), self._pad_id)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        batch = {"input_ids": ids, "attention_mask": mask}
        if "token_type_ids" in rows[0]:
            batch["token_type_ids"] = torch.zeros(len(rows), longest, dtype=torch.long)
        for line, row in enumerate(rows):
            for name in ("input_ids", "token_type_ids"):
                if name in batch:
                    batch[name][line, : lengths[line]] = torch.tensor(row[name])
            mask[line, : lengths[line]] = 1
        for counts, number in (
            (self._found.num_tokens, sum(lengths)),
            (self._found.num_padded_tokens, ids.numel()),
        ):
            counts[self.spec.name] = counts.get(self.spec.name, 0) + number
        return batch
