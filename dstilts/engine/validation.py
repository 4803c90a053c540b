"""Early stopping: the loss on the validation sets, and the best weights so far."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from dstilts.core.errors import UserError
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.batches import BatchMaker
from dstilts.engine.hooks import Hook, StepResult
from dstilts.engine.log_hook import LogHook
from dstilts.engine.phase import EarlyStopConfig, PhaseConfig
from dstilts.engine.plan import TaskRows
from dstilts.engine.saving import Saver
from dstilts.engine.watchdog import Watchdog
from dstilts.sampling.batches import cut_by_budget
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.source import Source
from dstilts.tasks.subset import take

BEST_FOLDER = "best"


def validation_sets(
    config: PhaseConfig, early_stop: EarlyStopConfig, source: Source
) -> list[ExampleSet]:
    """The English validation sets of a phase's tasks, without those it has not or trains on.

    Raises:
        UserError: no task has one.
    """
    sets = []
    for use in config.tasks:
        spec = task(task(use.task).train_task or use.task)
        # Open labels are numbered by the training set; parts have their own sets.
        is_there = use.split != "dev" and "en" in source.languages(spec.name, "dev")
        if is_there and not spec.open_labels:
            whole = source.load(spec.name, "dev", "en")
            sets.append(take(whole, early_stop.examples, config.seed))
    if not sets:
        raise UserError(
            "early_stop needs a validation set, and no task of the phase has one at its source",
            remedy="remove [early_stop]",
        )
    return sets


class ValidateHook(Hook):
    """Every so many steps the mean over the tasks of the loss on their validation sets.

    Keeps a point of the best weights; ends the run when they have got no better for long.

    Args:
        rows: of the validation sets.
        num_steps: of the phase; after the last one it validates in any case.
    """

    def __init__(
        self,
        engine: Any,
        rows: Sequence[TaskRows],
        config: PhaseConfig,
        early_stop: EarlyStopConfig,
        group: ProcessGroup,
        batches: BatchMaker,
        logs: LogHook,
        watchdog: Watchdog,
        num_steps: int,
    ) -> None:
        self._engine = engine
        self._num_steps = num_steps
        self._rows = rows
        self._config = config
        self._early_stop = early_stop
        self._group = group
        self._batches = batches
        self._logs = logs
        self._watchdog = watchdog
        self._best = float("inf")
        self._num_worse = 0
        self.saver: Saver | None = None

    def state(self) -> dict[str, float]:
        """What a resumed run has to know."""
        return {"best": self._best, "num_worse": self._num_worse} if self._best < 1e300 else {}

    def load(self, state: dict[str, float]) -> None:
        """Goes on from `state`."""
        self._best = state.get("best", float("inf"))
        self._num_worse = int(state.get("num_worse", 0))

    def after_step(self, result: StepResult) -> bool:
        """Validates if it is time; True when the loss has got no better for `patience` times."""
        done = result.step + 1
        if done % self._early_stop.every and done != self._num_steps:
            return False
        self._logs.flush()
        self._watchdog.at("validation", result.step)
        losses = [self._loss(rows) for rows in self._rows]
        loss = float(np.mean(losses))
        by_task = {rows.task: value for rows, value in zip(self._rows, losses, strict=True)}
        self._logs.event("validated", step=result.step, loss=loss, losses=by_task)
        is_best = loss < self._best
        if self._group.is_main:
            log(
                f"{self._config.name}: validation loss {loss:.4f} after step {result.step + 1}"
                f"{', the best so far' if is_best else ''}"
            )
        self._num_worse = 0 if is_best else self._num_worse + 1
        if is_best:
            self._best = loss
            assert self.saver is not None
            self.saver.save(best_folder(self._config), result.step + 1, kept=1)
        return self._num_worse >= self._early_stop.patience

    def _loss(self, rows: TaskRows) -> float:
        """The mean loss of a validation set (a collective, and a host-device sync)."""
        budget = self._config.batch.tokens
        order = np.argsort(rows.lengths, kind="stable")
        cuts = cut_by_budget(order, rows.lengths, budget)
        world, rank = self._group.world_size, self._group.rank
        total = torch.zeros((), dtype=torch.float64)
        self._engine.eval()
        with torch.no_grad():
            for first in range(0, len(cuts), world):
                # Under ZeRO-3 a pass is a collective: a rank without rows of its own takes others'.
                number = first + rank
                chosen = cuts[min(number, len(cuts) - 1)]
                loss = self._forward(rows, chosen, number)
                if number < len(cuts):
                    total += loss.double().cpu()
        self._engine.train()
        if world > 1:
            total = total.to(self._engine.device)
            dist.all_reduce(total)
        return float(total.item()) / float(rows.counts.sum())

    def _forward(self, rows: TaskRows, chosen: np.ndarray, number: int) -> Tensor:
        tensors = self._batches.of_rows(rows, chosen, number)
        batch: dict[str, Tensor | str] = {
            name: tensor.to(self._engine.device) for name, tensor in tensors.items()
        }
        loss: Tensor = self._engine({**batch, "head": rows.head})
        return loss


def best_folder(config: PhaseConfig) -> Path:
    """Where the point of the best weights stands."""
    return config.run_folder / BEST_FOLDER
