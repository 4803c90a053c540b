"""What a run says of itself: log lines, TensorBoard and JSONL events; and the guard against NaN."""

from pathlib import Path
from typing import Self

import torch
import torch.distributed as dist
from torch import Tensor

from dstilts.core.errors import RunError
from dstilts.core.logs import EventLog, log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.hooks import Hook, StepResult
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.throughput import ThroughputMeter


class TrainingError(RunError):
    """Training cannot go on: the loss is no number any more."""


class Monitor:
    """The files of a run, written by rank 0; on other ranks it does nothing.

    Args:
        folder: gets `events.jsonl` and `tensorboard/`.
        first_step: scalars from here on that an interrupted run has written are taken back.
    """

    def __init__(self, folder: Path, group: ProcessGroup, first_step: int) -> None:
        self._events: EventLog | None = None
        if group.is_main:
            from torch.utils.tensorboard import SummaryWriter

            self._events = EventLog(folder / "events.jsonl")
            self._board = SummaryWriter(folder / "tensorboard", purge_step=first_step)

    def event(self, name: str, **values: object) -> None:
        """Writes one event."""
        if self._events:
            self._events.write(name, **values)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Writes scalars of a step to TensorBoard and as one "train" event."""
        if self._events:
            for name, value in values.items():
                self._board.add_scalar(f"train/{name}", value, step)
            self._events.write("train", step=step, **values)

    def close(self) -> None:
        """Closes the files."""
        if self._events:
            self._events.close()
            self._board.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class LogHook(Hook):
    """Every `log_every` steps: loss, learning rate, gradient norm, tokens/s, padding share.

    The losses of the steps between stay on the device; they are added up over the ranks and read in
    one go. That reading is the only host-device sync of the loop.
    """

    def __init__(
        self, monitor: Monitor, config: PhaseConfig, group: ProcessGroup, num_steps: int
    ) -> None:
        self._monitor = monitor
        self._name = config.name
        self._every = config.engine.log_every
        self._group = group
        self._num_steps = num_steps
        self._losses: list[Tensor] = []
        self._meter = ThroughputMeter()
        self._last: StepResult | None = None

    def wants_gradient_norm(self, step: int) -> bool:
        """On the steps that are logged."""
        return (step + 1) % self._every == 0 or step + 1 == self._num_steps

    def after_step(self, result: StepResult) -> None:
        """Keeps the step's loss; logs if it is time."""
        self._losses.append(result.loss)
        self._meter.add(result.work)
        self._last = result
        if self.wants_gradient_norm(result.step):
            self.flush()

    def flush(self) -> None:
        """Logs what has come since the last time (a collective, and a host-device sync).

        Raises:
            TrainingError: a loss is not finite, on every rank alike.
        """
        if self._last is None:
            return
        last, losses = self._last, self._global_losses()
        self._losses, self._last = [], None
        self._check(losses, last)
        throughput = self._meter.read()
        values = {
            "loss": sum(losses) / len(losses),
            "learning_rate": last.learning_rate,
            "tokens_per_second": throughput.tokens_per_second,
            "padding_share": throughput.padding_share,
        }
        if last.gradient_norm is not None:
            values["gradient_norm"] = float(last.gradient_norm)
        self._monitor.scalars(last.step, values)
        if self._group.is_main:
            log(
                f"{self._name}: step {last.step + 1}/{self._num_steps}, loss {values['loss']:.4f}, "
                f"{throughput.tokens_per_second:.0f} tokens/s"
            )

    def _global_losses(self) -> list[float]:
        stacked = torch.stack(self._losses)
        if self._group.world_size > 1:
            dist.all_reduce(stacked)
        losses: list[float] = stacked.tolist()
        return losses

    def _check(self, losses: list[float], last: StepResult) -> None:
        for offset, loss in enumerate(losses):
            if not abs(loss) < float("inf"):
                step = last.step - len(losses) + 1 + offset
                self._monitor.event("stopped", step=step, reason="the loss is not finite")
                raise TrainingError(
                    f"{self._name}: the loss is {loss} at step {step + 1} of {self._num_steps}: "
                    f"lower schedule.learning_rate (the rate is near {last.learning_rate:.2g}), or "
                    "use engine.precision = 'fp32'; nothing was published"
                )
