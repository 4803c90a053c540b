"""The plan of a phase: what every step computes, as a pure function of the step."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from dstilts.core.random_numbers import stream
from dstilts.engine.phase import PhaseConfig
from dstilts.models.collate import collate
from dstilts.models.masking import Masking
from dstilts.sampling.batches import BatchPlan
from dstilts.sampling.mixture import mixture_weights
from dstilts.sampling.schedule import TaskSchedule
from dstilts.tasks.examples import Kind


@dataclass(frozen=True)
class TaskRows:
    """The token rows of one task's training set.

    Attributes:
        head: the name of the head that is trained.
        table: a memory-mapped `datasets` table with the columns a batch needs.
        rows: the numbers of the rows that carry a loss, ascending.
        lengths: the tokens of each of `rows`.
        counts: what each of `rows` adds to the loss's denominator: 1, or its labelled tokens.
        num_examples: the training examples the rows were made from.
    """

    task: str
    kind: Kind
    head: str
    table: Any
    rows: np.ndarray
    lengths: np.ndarray
    counts: np.ndarray
    num_examples: int
    masking: Masking | None = None

    def batch(
        self, chosen: np.ndarray, pad_id: int, place: tuple[int, ...] = ()
    ) -> dict[str, Tensor]:
        """The padded batch of a micro-batch's rows, on the CPU.

        Args:
            place: the seed and the number of the step and of the micro-batch; which tokens are
                masked depends on it alone.
        """
        columns = self.table[self.rows[chosen].tolist()]
        names = list(columns)
        rows = [
            dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)
        ]
        if self.masking is not None:
            rows = self.masking.apply(rows, stream("masking", self.task, *place))
        return collate(rows, self.kind, pad_id)


@dataclass(frozen=True)
class GlobalStep:
    """What all ranks together compute in one step: micro-batches of one task."""

    task: TaskRows
    micro_batches: tuple[np.ndarray, ...]  # indices into the task's `rows`

    @property
    def loss_count(self) -> int:
        """The denominator of the step's loss; known to every rank without communication."""
        return int(sum(self.task.counts[chosen].sum() for chosen in self.micro_batches))

    @property
    def num_tokens(self) -> int:
        """The tokens of the step without padding."""
        return int(sum(self.task.lengths[chosen].sum() for chosen in self.micro_batches))

    @property
    def num_padded_tokens(self) -> int:
        """The tokens of the step with padding; choices of an example count by their sum."""
        return int(sum(self.task.lengths[c].max() * len(c) for c in self.micro_batches))

    def of_rank(self, rank: int, world_size: int) -> list[tuple[int, np.ndarray]]:
        """A rank's micro-batches with their numbers in the step; ranks take them in turn."""
        numbers = range(rank, len(self.micro_batches), world_size)
        return [(number, self.micro_batches[number]) for number in numbers]


class TrainingPlan:
    """All steps of a phase: which task, which rows; the same for every world size and stage."""

    def __init__(self, config: PhaseConfig, tasks: Sequence[TaskRows]) -> None:
        self.tasks = tuple(tasks)
        self._batches = [
            BatchPlan(
                task.lengths,
                seed=config.seed,
                name=f"batches/{task.task}",
                tokens=config.batch.tokens,
                micro_batches=config.batch.micro_batches,
            )
            for task in tasks
        ]
        self.num_steps = config.schedule.steps or self._steps_of_epochs(config)
        weights = mixture_weights(
            config.mixture.kind,
            [task.num_examples for task in tasks],
            cap=config.mixture.cap,
            temperature=config.mixture.temperature,
            explicit=[use.weight or 0.0 for use in config.tasks],
        )
        self._schedule = TaskSchedule(config.seed, weights, self.num_steps)

    def at(self, step: int) -> GlobalStep:
        """The work of a step, counted from 0."""
        task = self._schedule.task_at(step)
        batches = self._batches[task].batch_at(self._schedule.local_step(step))
        return GlobalStep(self.tasks[task], tuple(batches))

    def _steps_of_epochs(self, config: PhaseConfig) -> int:
        """The steps in `epochs` passes over all tasks, of which a cap shortens the large ones."""
        cap = config.mixture.cap
        shares = [min(1.0, cap / task.num_examples) if cap else 1.0 for task in self.tasks]
        one = sum(
            share * batches.steps_per_epoch
            for share, batches in zip(shares, self._batches, strict=True)
        )
        return max(1, math.ceil(config.schedule.epochs * one))
