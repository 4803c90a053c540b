"""The rows of a model's tasks as one length-sorted stream, cut into micro-batches and shards.

A unit is what goes through the encoder once: a row of a token table, or one choice of a row. Units
of all languages and heads share micro-batches; those that vectors are made of have their own, since
they may come from any layer, and masked texts have theirs, since their logits are many.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dstilts.tasks.examples import Kind

# Padded tokens of a shard, about: some seconds of work for a CPU core, so that workers end together
# and little is lost when a job is killed.
SHARD_TOKENS = 16_384

Units = npt.NDArray[np.int32]  # (number of units, 3): table, row, choice


@dataclass(frozen=True)
class TableRef:
    """A token table as a worker finds it, and what is to be predicted for its rows."""

    file: str
    kind: Kind
    head: str | None
    pooling: str = "mean"

    @property
    def stream(self) -> str:
        """Tables of one stream share micro-batches."""
        return {"retrieval": f"vectors, {self.pooling}", "mlm": "mlm"}.get(self.kind, "heads")


@dataclass(frozen=True)
class Shard:
    """One piece of work: micro-batches of one model, and the file that their outputs go to."""

    file: Path
    model: str
    published: bool
    digest: str  # of the model: workers keep the last one
    precision: str
    layer: int | Literal["all"]
    tables: tuple[TableRef, ...]
    batches: tuple[Units, ...]


def units_of(number: int, kind: Kind, table: Any) -> tuple[Units, npt.NDArray[np.int64]]:
    """All units of a token table and the length of each in tokens.

    Args:
        number: of the table among those of the model.
    """
    if kind != "choice":
        lengths = column(table, "length")
        pairs = [(row, 0) for row in range(len(lengths))]
    else:
        choices = table["choice_input_ids"]
        pairs = [(row, choice) for row, ids in enumerate(choices) for choice in range(len(ids))]
        lengths = np.array([len(ids) for row in choices for ids in row], dtype=np.int64)
    return np.array([(number, *pair) for pair in pairs], dtype=np.int32), lengths


def column(table: Any, name: str) -> npt.NDArray[np.int64]:
    """A column of numbers of a token table."""
    numbers: npt.NDArray[np.int64] = table.data.column(name).to_numpy().astype(np.int64)
    return numbers


def cut_into_shards(costs: Sequence[int]) -> list[slice]:
    """Runs of micro-batches of about equal cost: a function of the costs alone.

    Args:
        costs: the padded tokens of each micro-batch, in order.
    """
    if not costs:
        return []
    total = sum(costs)
    num_shards = max(1, math.ceil(total / SHARD_TOKENS))
    # A micro-batch belongs to the shard in whose share of the total its middle lies.
    middles = np.cumsum(costs) - np.asarray(costs) / 2
    shards = np.minimum((middles * num_shards / total).astype(int), num_shards - 1)
    borders = [0, *(np.flatnonzero(np.diff(shards)) + 1).tolist(), len(costs)]
    return [slice(start, stop) for start, stop in itertools.pairwise(borders)]
