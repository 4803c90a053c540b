"""Batches as the peers make them, and the count of what was in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional as F

from dstilts.engine.flops import ModelFlops
from dstilts.engine.plan import GlobalStep, MicroBatch, TaskRows
from dstilts.models.collate import Row, collate

# What of a batch is padded to a fixed length; the ids with the padding's, the others with zeros.
_SEQUENCES = ("input_ids", "attention_mask", "token_type_ids")


def rows_of(task: TaskRows) -> list[dict[str, Any]]:
    """The rows that carry a loss, as lists in memory: nothing is faster to read.

    Each has its number under "row".
    """
    columns = task.table[task.rows.tolist()]
    values = zip(*columns.values(), strict=True)
    return [{**dict(zip(columns, row, strict=True)), "row": n} for n, row in enumerate(values)]


@dataclass
class Collator:
    """Makes batches of `rows_of`, and remembers them in the order in which it is called.

    Args:
        length: what all batches are padded to; without it to their longest row.
    """

    task: TaskRows
    pad_id: int
    length: int | None = None
    batches: list[npt.NDArray[np.int64]] = field(default_factory=list)
    num_padded: list[int] = field(default_factory=list)

    def __call__(self, rows: Sequence[Row]) -> dict[str, Tensor]:
        """The padded batch on the CPU."""
        batch = collate(rows, self.task.kind, self.pad_id)
        self.batches.append(np.array([row["row"] for row in rows]))
        if self.length is not None:
            missing = self.length - batch["input_ids"].shape[1]
            for name in _SEQUENCES:
                if name in batch:
                    value = self.pad_id if name == "input_ids" else 0
                    batch[name] = F.pad(batch[name], (0, missing), value=value)
        self.num_padded.append(batch["input_ids"].numel())
        return batch


@dataclass(frozen=True)
class Counts:
    """What a rank computed in the timed steps."""

    num_examples: int
    num_tokens: int  # without padding
    num_padded_tokens: int
    flops: float  # that the tokens without padding need, forwards and backwards

    @classmethod
    def of_batches(cls, collator: Collator, steps: slice, flops: ModelFlops) -> "Counts":
        """Of a peer whose step number N trains on the collator's batch number N."""
        rows = np.concatenate(collator.batches[steps])
        whole = GlobalStep((collator.task,), (MicroBatch(0, 0, rows, 1.0),))
        padded = sum(collator.num_padded[steps])
        return cls(len(rows), whole.num_tokens, padded, flops(whole))

    @classmethod
    def of_plan(cls, steps: Iterable[GlobalStep], flops: ModelFlops, ranks: int) -> "Counts":
        """Of one of the ranks that share steps: an even part of everything."""
        taken = list(steps)
        examples = sum(len(part.rows) for step in taken for part in step.micro_batches)
        return cls(
            examples // ranks,
            sum(step.num_tokens for step in taken) // ranks,
            sum(step.num_padded_tokens for step in taken) // ranks,
            sum(flops(step) for step in taken) / ranks,
        )
