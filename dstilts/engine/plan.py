"""The plan of a phase: what every step computes, as a pure function of the step."""

import functools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
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
from dstilts.tasks.table_rows import RowReader


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

    @functools.cached_property
    def _reader(self) -> RowReader:
        return RowReader(self.table)

    def batch(
        self, parts: Sequence[tuple[np.ndarray, tuple[int, ...]]], pad_id: int
    ) -> dict[str, Tensor]:
        """The padded batch of one micro-batch or several, on the CPU.

        Args:
            parts: of each micro-batch its rows and its place: the seed and the number of the step
                and of the micro-batch. Which tokens are masked depends on it alone.
        """
        rows: list[dict[str, Any]] = []
        for chosen, place in parts:
            some = self._reader.rows(self.rows[chosen])
            if self.masking is not None:
                some = self.masking.apply(some, stream("masking", self.task, *place))
            rows += some
        return collate(rows, self.kind, pad_id)


@dataclass(frozen=True)
class MicroBatch:
    """Rows of one task that stand next to each other in a step.

    Attributes:
        number: in the step.
        task: the index of the task in the phase.
        rows: indices into the task's `rows`.
        weight: the factor of the summed loss: the step's loss is the sum over all its micro-batches
            of weight times loss.
    """

    number: int
    task: int
    rows: np.ndarray
    weight: float


@dataclass(frozen=True)
class GlobalStep:
    """What all ranks together compute in one step.

    A task's loss is the mean over all its examples (or labelled tokens) in the step; the step's
    loss is the mean of that over the draws of the step, each task's times its own `loss_scale`.
    """

    tasks: tuple[TaskRows, ...]  # all of the phase
    micro_batches: tuple[MicroBatch, ...]

    @property
    def counts(self) -> np.ndarray:
        """Of each task the denominator of its loss, 0 where it has no part in the step.

        Known to every rank without communication.
        """
        counts = np.zeros(len(self.tasks), dtype=np.int64)
        for part in self.micro_batches:
            counts[part.task] += self.tasks[part.task].counts[part.rows].sum()
        return counts

    @property
    def num_tokens(self) -> int:
        """The tokens of the step without padding."""
        return int(sum(lengths.sum() for lengths in self._lengths()))

    @property
    def num_padded_tokens(self) -> int:
        """The tokens of the step with padding; choices of an example count by their sum."""
        return int(sum(lengths.max() * len(lengths) for lengths in self._lengths()))

    def of_rank(self, rank: int, world_size: int, fuse: int = 1) -> list[tuple[MicroBatch, ...]]:
        """A rank's passes, each of `fuse` neighbouring micro-batches; ranks take them in turn.

        At every pass all ranks are at the same task: with different heads on different ranks ZeRO 1
        and 2 would add up gradients of different parameters without a word.
        """
        passes = [
            self.micro_batches[start : start + fuse]
            for start in range(0, len(self.micro_batches), fuse)
        ]
        for first in range(0, len(passes), world_size):
            together = {part.task for parts in passes[first : first + world_size] for part in parts}
            assert len(together) == 1, "ranks at different heads"
        return passes[rank::world_size]

    def _lengths(self) -> Iterator[np.ndarray]:
        for part in self.micro_batches:
            yield self.tasks[part.task].lengths[part.rows]


class TrainingPlan:
    """All steps of a phase: which tasks, which rows; the same for every world size and stage.

    Args:
        tasks: of the phase, in the order of `config.tasks`.
        skipped: so many steps' worth of data are left out: a run that was rolled back goes on
            behind the data that went wrong.
    """

    def __init__(self, config: PhaseConfig, tasks: Sequence[TaskRows], skipped: int = 0) -> None:
        self.tasks = tuple(tasks)
        self._skipped = skipped
        self._draws = config.batch.tasks_per_step
        self._scales = [use.loss_scale for use in config.tasks]
        self._batches = [
            BatchPlan(
                task.lengths,
                seed=config.seed,
                name=f"batches/{task.task}",
                tokens=config.batch.tokens,
                micro_batches=config.batch.micro_batches // self._draws,
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
        self._schedule = TaskSchedule(config.seed, weights)

    def at(self, step: int) -> GlobalStep:
        """The work of a step, counted from 0."""
        first = (step + self._skipped) * self._draws
        drawn = [self._draw(draw) for draw in range(first, first + self._draws)]
        counts = np.zeros(len(self.tasks))
        for task, batches in drawn:
            counts[task] += sum(self.tasks[task].counts[rows].sum() for rows in batches)
        times = Counter(task for task, _ in drawn)
        parts = [
            (task, rows, self._scales[task] * times[task] / self._draws / counts[task])
            for task, batches in drawn
            for rows in batches
        ]
        return GlobalStep(
            self.tasks, tuple(MicroBatch(number, *part) for number, part in enumerate(parts))
        )

    def _draw(self, draw: int) -> tuple[int, list[np.ndarray]]:
        """The task of a draw and its micro-batches, the short rows first.

        Neighbours then are of similar lengths: ranks wait less for each other.
        """
        task = self._schedule.task_at(draw)
        batches = self._batches[task].batch_at(self._schedule.local_step(draw))
        lengths = self.tasks[task].lengths
        return task, sorted(batches, key=lambda rows: int(lengths[rows].max()))

    def _steps_of_epochs(self, config: PhaseConfig) -> int:
        """The steps in `epochs` passes over all tasks, of which a cap shortens the large ones."""
        cap = config.mixture.cap
        shares = [min(1.0, cap / task.num_examples) if cap else 1.0 for task in self.tasks]
        one = sum(
            share * batches.steps_per_epoch
            for share, batches in zip(shares, self._batches, strict=True)
        )
        return max(1, math.ceil(config.schedule.epochs * one / self._draws))
