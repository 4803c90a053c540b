"""The tensors of a step, made on the host from its plan."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from dstilts.core.process_group import ProcessGroup
from dstilts.engine.plan import GlobalStep, MicroBatch, TaskRows

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Pass:
    """What goes through the model at once: a micro-batch, or several of one task.

    Attributes:
        number: of the first micro-batch in the step.
        task: the index of the task in the phase.
        tensors: the padded batch.
        weight: of the summed loss in the step's loss.
        count: the denominator of the task's mean loss in the step, over all ranks.
    """

    number: int
    task: int
    tensors: Tensors
    weight: float
    count: int


class BatchMaker:
    """Makes a rank's batches; what they hold depends on the plan alone.

    Args:
        seed: of the phase.
        fuse: micro-batches in one pass.
        transforms: what is done to a batch's tensors, in order (other ids, no padding).
    """

    def __init__(
        self,
        seed: int,
        pad_id: int,
        fuse: int = 1,
        transforms: tuple[Callable[[Tensors], Tensors], ...] = (),
    ) -> None:
        self._seed = seed
        self._pad_id = pad_id
        self._fuse = fuse
        self._transforms = transforms

    def of_step(self, step: int, work: GlobalStep, group: ProcessGroup) -> list[Pass]:
        """The passes of a rank in a step, in order."""
        counts = work.counts
        return [
            self._pass(step, work.tasks[parts[0].task], parts, int(counts[parts[0].task]))
            for parts in work.of_rank(group.rank, group.world_size, self._fuse)
        ]

    def of_rows(self, rows: TaskRows, chosen: np.ndarray, *place: int) -> Tensors:
        """The tensors of any rows of a task.

        Args:
            place: beside the seed what decides which tokens are masked.
        """
        return self._transformed(rows.batch([(chosen, (self._seed, *place))], self._pad_id))

    def _pass(self, step: int, rows: TaskRows, parts: tuple[MicroBatch, ...], count: int) -> Pass:
        chosen = [(part.rows, (self._seed, step, part.number)) for part in parts]
        tensors = self._transformed(rows.batch(chosen, self._pad_id))
        return Pass(parts[0].number, parts[0].task, tensors, parts[0].weight, count)

    def _transformed(self, tensors: Tensors) -> Tensors:
        for transform in self._transforms:
            tensors = transform(tensors)
        return tensors
