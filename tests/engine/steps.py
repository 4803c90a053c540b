"""Made-up steps for tests of what looks at them."""

from collections.abc import Sequence

import numpy as np
import torch

from dstilts.engine.hooks import StepResult
from dstilts.engine.plan import GlobalStep, MicroBatch, TaskRows


def task_rows(name: str, lengths: Sequence[int]) -> TaskRows:
    """Rows of a task with these numbers of tokens; each counts once in the loss."""
    number = len(lengths)
    return TaskRows(
        task=name,
        kind="pair",
        head=name,
        table=None,
        rows=np.arange(number),
        lengths=np.array(lengths),
        counts=np.ones(number, dtype=np.int64),
        num_examples=number,
    )


TASKS = (task_rows("mnli", (4, 6)), task_rows("pawsx", (3, 7)))


def result(
    step: int,
    losses: Sequence[float | None],
    *,
    loss: float | None = None,
    norm: float | None = None,
    device: str = "cpu",
) -> StepResult:
    """A step of both tasks with a rank's share of their losses; None: no part in the step."""
    parts = tuple(
        MicroBatch(number, task, np.arange(2), 1.0)
        for number, task in enumerate(t for t, value in enumerate(losses) if value is not None)
    )
    shares = [value or 0.0 for value in losses]
    return StepResult(
        step,
        GlobalStep(TASKS, parts),
        torch.tensor(shares, device=device),
        torch.tensor(sum(shares) if loss is None else loss, device=device),
        learning_rate=1e-3,
        gradient_norm=norm,
    )
