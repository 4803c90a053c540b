"""One model's missing predictions: planned as shards, and merged when all shards are there."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dstilts.core.digest import short_key
from dstilts.evaluation.layer_sweep import LayerSweep, best_layer
from dstilts.evaluation.merge import Places, PlannedSet, read_outputs
from dstilts.evaluation.models import Reader
from dstilts.evaluation.records import EVALUATION_VERSION, Item, RecordFolder
from dstilts.evaluation.shards import (
    SHARD_TOKENS,
    Shard,
    TableRef,
    Units,
    cut_into_shards,
    units_of,
)
from dstilts.sampling.batches import micro_batches
from dstilts.tasks.catalog import TaskSpec, task
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.metrics.score import Prediction
from dstilts.tasks.tables import token_table

_NO_UNITS: Units = np.empty((0, 3), dtype=np.int32)


class ModelPlan:
    """The rows of all items of one model as shards: a function of the items alone.

    Args:
        items: of one model and the same options.
        reader: the tokenizer that the model reads with.
    """

    def __init__(self, items: Sequence[Item], reader: Reader, folder: RecordFolder) -> None:
        self.items = items
        self._options = items[0].options
        self._sets = _planned(items, reader)
        self._folder = folder.shards(items[0].model)
        names = dict.fromkeys(_reference(planned).stream for planned in self._sets)
        streams = [self._stream(name) for name in names]
        self._units = np.concatenate([units for units, _ in streams])
        tokens = self._options.tokens
        batches = [cut for units, lengths in streams for cut in _cut(units, lengths, tokens)]
        self.shards = self._shards([units for units, _ in batches], [cost for _, cost in batches])

    def missing(self) -> list[Shard]:
        """The shards whose outputs are not there yet."""
        return [shard for shard in self.shards if not shard.file.is_file()]

    def merged(self) -> list[tuple[dict[str, Prediction], LayerSweep | None]]:
        """The predictions of each item, once all shards are there, and how its layers compare.

        Raises:
            MergeError: the shards' outputs are not those of the plan.
        """
        found = read_outputs([shard.file for shard in self.shards], self._units)
        return [best_layer(planned, found) for planned in self._sets]

    def clean(self) -> None:
        """Removes the outputs of the model's shards: its predictions are written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _stream(self, name: str) -> tuple[Units, npt.NDArray[np.int64]]:
        """The units of the tables of a stream and their lengths in tokens."""
        all_units, all_lengths = [_NO_UNITS], [np.empty(0, dtype=np.int64)]
        for planned in self._sets:
            if _reference(planned).stream != name:
                continue
            units, lengths = units_of(planned.number, planned.spec.kind, planned.table)
            if planned.places is not None:
                # Only where the text stands for the first time is it encoded.
                first = (planned.places == units[:, :2]).all(axis=1)
                units, lengths = units[first], lengths[first]
            all_units.append(units)
            all_lengths.append(lengths)
        return np.concatenate(all_units), np.concatenate(all_lengths)

    def _shards(self, batches: list[Units], costs: list[int]) -> list[Shard]:
        model, options = self.items[0].model, self._options
        tables = tuple(map(_reference, self._sets))
        keys = [(Path(table.file).parent.name, table.head, table.stream) for table in tables]
        run = [options.precision, options.retrieval_layer, options.tokens]
        key = short_key([EVALUATION_VERSION, SHARD_TOKENS, model.digest, keys, run])
        return [
            Shard(
                file=self._folder / key / f"{number:05d}.safetensors",
                model=model.location,
                published=model.published,
                digest=model.digest,
                precision=options.precision,
                layer=options.retrieval_layer,
                tables=tables,
                batches=tuple(batches[part]),
            )
            for number, part in enumerate(cut_into_shards(costs))
        ]


def _planned(items: Sequence[Item], reader: Reader) -> list[PlannedSet]:
    planned = []
    seen: dict[tuple[str, ...], tuple[int, int]] = {}
    for number, item in enumerate(items):
        spec = item.model.spec_of(task(item.examples.task))
        encoding = item.options.encoding(spec.kind, reader.longest)
        examples = _with_calibration(item.examples)
        table = token_table(examples, spec, reader.tokenizer, encoding)
        places = _places(examples, spec, number, seen) if spec.kind == "retrieval" else None
        planned.append(PlannedSet(spec, item.examples, number, table, places))
    return planned


def _with_calibration(examples: ExampleSet) -> ExampleSet:
    """All that has to be encoded: the examples, and after them those that set a threshold."""
    everything = (*examples.examples, *examples.calibration)
    return dataclasses.replace(examples, examples=everything, calibration=())


def _places(
    examples: ExampleSet,
    spec: TaskSpec,
    number: int,
    seen: dict[tuple[str, ...], tuple[int, int]],
) -> Places:
    """Where each sentence's text stands for the first time among all tables of the model."""
    sentences: Any = examples.examples
    places = [
        seen.setdefault((spec.pooling, e.text, e.context), (number, row))
        for row, e in enumerate(sentences)
    ]
    return np.array(places, dtype=np.int32)


def _reference(planned: PlannedSet) -> TableRef:
    spec = planned.spec
    return TableRef(_file(planned.table), spec.kind, spec.head, spec.pooling)


def _cut(units: Units, lengths: npt.NDArray[np.int64], tokens: int) -> list[tuple[Units, int]]:
    """Micro-batches, each with its cost in padded tokens."""
    return [
        (units[rows], int(lengths[rows[0]]) * len(rows)) for rows in micro_batches(lengths, tokens)
    ]


def _file(table: Any) -> str:
    return str(table.cache_files[0]["filename"])
