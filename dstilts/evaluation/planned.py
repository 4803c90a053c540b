"""The example sets of a plan with their token tables; sentences that sets share are found once."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dstilts.evaluation.merge import Places, PlannedSet
from dstilts.evaluation.models import Reader
from dstilts.evaluation.records import Item
from dstilts.evaluation.shards import TableRef, Units, units_of
from dstilts.tasks.catalog import TaskSpec, task
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.tables import token_table

Lengths = npt.NDArray[np.int64]


def planned_sets(items: Sequence[Item], reader: Reader) -> list[PlannedSet]:
    """The sets of one model's items, in their order, with their token tables."""
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


def table_ref(planned: PlannedSet) -> TableRef:
    """The set's table as a worker finds it."""
    spec = planned.spec
    file = str(planned.table.cache_files[0]["filename"])
    return TableRef(file, spec.kind, spec.head, spec.pooling)


def own_units(planned: PlannedSet) -> tuple[Units, Lengths]:
    """The units of a set's table that are encoded for it, and their lengths in tokens."""
    units, lengths = units_of(planned.number, planned.spec.kind, planned.table)
    if planned.places is not None:
        # Only where the text stands for the first time is it encoded.
        first = (planned.places == units[:, :2]).all(axis=1)
        units, lengths = units[first], lengths[first]
    return units, lengths


def needed_units(planned: PlannedSet) -> Units:
    """All units that a set's predictions are made of, those of other tables too."""
    if planned.places is None:
        return own_units(planned)[0]
    places = np.unique(planned.places, axis=0)
    return np.column_stack([places, np.zeros(len(places), dtype=np.int32)])


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
