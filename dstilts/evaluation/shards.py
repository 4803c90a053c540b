"""The rows of a model's tasks as length-sorted streams, cut into micro-batches and shards.

A unit is what goes through the encoder once: a row of a token table, or one choice of a row. Units
of all languages and heads share micro-batches; those that vectors are made of have their own, since
they may come from any layer, and masked texts have theirs, since their logits are many. A sentence
of several retrieval tasks is one unit; a context of several questions is not, since an encoder that
reads a question and its context together encodes the context anew for each question.
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

# What a shard takes, about: little is lost when a job is killed, and workers end together.
SHARD_SECONDS = 5.0
# Smaller jobs have so many shards, as long as each takes at least the least seconds.
_MANY, _LEAST_SECONDS = 40, 0.25

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
    """One piece of work: micro-batches of one model, and the file that their outputs go to.

    Attributes:
        digest: of the model; workers keep the last one.
        pad_id: of its tokenizer.
        lengths: in tokens, to which each micro-batch is padded.
        seconds: that it is expected to take.
    """

    file: Path
    model: str
    published: bool
    digest: str
    pad_id: int
    precision: str
    layer: int | Literal["all"]
    tables: tuple[TableRef, ...]
    batches: tuple[Units, ...]
    lengths: tuple[int, ...]
    seconds: float

    @property
    def name(self) -> str:
        """For people: its number, and the model's folder or name."""
        return f"{self.file.stem} of {Path(self.model).name}"


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


def num_shards(seconds: float) -> int:
    """Of a job that takes one worker so long."""
    each = min(SHARD_SECONDS, max(_LEAST_SECONDS, seconds / _MANY))
    return max(1, math.ceil(seconds / each))


def cut_into_shards(costs: npt.NDArray[np.float64], number: int) -> list[int]:
    """The borders of runs of micro-batches of about equal cost: 0, ..., `len(costs)`.

    Args:
        costs: of each micro-batch, in order.
        number: of runs; there are fewer where a micro-batch costs more than its share.
    """
    if not len(costs):
        return [0]
    # A micro-batch belongs to the shard in whose share of the total its middle lies.
    middles = np.cumsum(costs) - costs / 2
    shards = np.minimum((middles * number / costs.sum()).astype(int), number - 1)
    return [0, *(np.flatnonzero(np.diff(shards)) + 1).tolist(), len(costs)]


def runs(borders: Sequence[int]) -> list[slice]:
    """The runs between borders."""
    return [slice(start, stop) for start, stop in itertools.pairwise(borders)]
