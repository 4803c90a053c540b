"""The hook that logs: loss per task, speed, share of the peak, memory and the time left."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist

from dstilts.core.logs import duration, log, progress
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.hooks import Hook, StepResult
from dstilts.engine.memory import forget_peak, peak_memory_gib
from dstilts.engine.monitor import Figures, Monitor, TrainingError
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.plan import GlobalStep
from dstilts.engine.throughput import StepTimer, ThroughputMeter, TimeLeft, percentiles

Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StepLosses:
    """The losses of one step, of all ranks together."""

    step: int
    loss: float  # the one that is minimised
    by_task: tuple[float | None, ...]  # in the phase's order; None: no part in the step


# Looks at the steps since the last time, in order; what it raises ends the flush. Called on every
# rank alike, before anything of them is logged or saved.
Check = Callable[[Sequence[StepLosses]], None]


class LogHook(Hook):
    """Logs every `log_every` steps and at the last one.

    Losses stay on the device until then. They are read in one go with memory and times of steps,
    after one collective of a small tensor: the only host-device sync of the loop.

    Args:
        device: of this rank.
        flops: of a step, for all ranks together; without it there is no "mfu".
        peak: FLOP/s that a rank reaches at most; without it there is no "mfu".
        check: without it a loss that is not finite raises `TrainingError`.
    """

    def __init__(
        self,
        monitor: Monitor,
        config: PhaseConfig,
        group: ProcessGroup,
        num_steps: int,
        *,
        device: torch.device | None = None,
        flops: Callable[[GlobalStep], float] | None = None,
        peak: float | None = None,
        check: Check | None = None,
    ) -> None:
        self._monitor = monitor
        self._name = config.name
        self._every = config.engine.log_every
        self._group = group
        self._num_steps = num_steps
        self._device = device or torch.device("cpu")
        self._peak = peak * group.world_size if peak and flops else None
        self._check = check or self._stop_unless_finite
        self._results: list[StepResult] = []
        self._rate = 0.0
        self._meter = ThroughputMeter(flops)
        self._timer = StepTimer(self._device)
        self._time_left = TimeLeft()
        forget_peak(self._device)

    def wants_gradient_norm(self, step: int) -> bool:
        """On the steps that are logged."""
        return (step + 1) % self._every == 0 or step + 1 == self._num_steps

    def after_step(self, result: StepResult) -> bool:
        """Keeps what the step left on the device; logs if it is time."""
        self._results.append(result)
        self._meter.add(result.work)
        self._timer.add()
        if self.wants_gradient_norm(result.step):
            self.flush()
        return False

    def flush(self) -> None:
        """Logs what has come since the last time (a collective, and a host-device sync).

        Raises:
            TrainingError: a loss is not finite, on every rank alike; or what `check` raises.
        """
        if not self._results:
            return
        results, self._results = self._results, []
        table, seconds, memory = self._exchange(results)
        steps = _step_losses(results, table)
        last, self._rate = results[-1], results[-1].learning_rate
        self._check(steps)
        speed = self._meter.read()
        left = self._time_left.read(len(results), self._num_steps - last.step - 1)
        values: dict[str, object] = {
            "num_steps": self._num_steps,
            "loss": _mean([step.loss for step in steps]),
            "losses": _task_means(last.work, steps),
            "learning_rate": last.learning_rate,
            "tokens_per_second": speed.tokens_per_second,
            "padding_share": speed.padding_share,
            "step_seconds": percentiles(seconds),
            "memory_gib": memory,
            "eta_seconds": round(left, 3),
        }
        if last.gradient_norm is not None:
            values["gradient_norm"] = _mean([float(last.gradient_norm)])
        if self._peak:
            values["mfu"] = speed.flops_per_second / self._peak
        self._monitor.scalars(last.step, values)
        if self._group.is_main:
            is_last = last.step + 1 == self._num_steps
            (log if is_last else progress)(self._line(last.step, values))

    def event(self, name: str, step: int, **values: object) -> None:
        """Writes an event of a step, and draws its figures below its name."""
        self._monitor.scalars(step, values, event=name)

    def at_end(self) -> None:
        """Logs what is left when a run ends before its last step."""
        self.flush()

    def _exchange(self, results: Sequence[StepResult]) -> tuple[Table, list[float], list[float]]:
        """What all ranks have of these steps: the one collective and the sync of a flush.

        Returns:
            The losses (steps, tasks + 1), of all ranks together, the step's loss last; each step's
            seconds on its slowest rank; the peak memory of each rank in GiB.
        """
        seconds = self._timer.read()  # on CUDA waits for the last step
        own = torch.tensor([*seconds, peak_memory_gib(self._device)], device=results[0].loss.device)
        parts = [torch.stack([result.losses.float() for result in results]).flatten()]
        parts += [torch.stack([result.loss.float() for result in results]), own]
        packed = torch.cat(parts)
        gathered = [packed]
        if self._group.world_size > 1:
            gathered = [torch.empty_like(packed) for _ in range(self._group.world_size)]
            dist.all_gather(gathered, packed)
        ranks = np.array(torch.stack(gathered).tolist())
        steps, tasks = len(results), results[0].losses.numel()
        shares, loss, times, memory = np.split(
            ranks, np.cumsum([steps * tasks, steps, steps]), axis=1
        )
        table = np.column_stack([shares.sum(axis=0).reshape(steps, tasks), loss.sum(axis=0)])
        return table, times.max(axis=0).tolist(), np.round(memory[:, 0], 3).tolist()

    def _line(self, step: int, values: Figures) -> str:
        by_task = ", ".join(f"{name} {_short(loss)}" for name, loss in values["losses"].items())
        tasks = f" ({by_task})" if len(values["losses"]) > 1 else ""
        share = f", MFU {100 * values['mfu']:.0f} %" if "mfu" in values else ""
        is_last = step + 1 == self._num_steps
        left = "done" if is_last else duration(values["eta_seconds"]) + " left"
        return (
            f"{self._name}: step {step + 1}/{self._num_steps}, loss {_short(values['loss'], 4)}"
            f"{tasks}, {values['tokens_per_second']:.0f} tokens/s{share}, {left}"
        )

    def _stop_unless_finite(self, steps: Sequence[StepLosses]) -> None:
        for one in steps:
            if not math.isfinite(one.loss):
                self._monitor.event("stopped", step=one.step, reason="the loss is not finite")
                raise TrainingError(
                    f"{self._name}: the loss is {one.loss} at step {one.step + 1} of "
                    f"{self._num_steps}: "
                    f"lower schedule.learning_rate (the rate is near {self._rate:.2g}), or "
                    "use engine.precision = 'fp32'; nothing was published"
                )


def _step_losses(results: Sequence[StepResult], table: Table) -> list[StepLosses]:
    return [
        StepLosses(
            result.step,
            loss,
            tuple(
                value if count else None
                for value, count in zip(by_task, result.work.counts, strict=True)
            ),
        )
        for result, (*by_task, loss) in zip(results, table.tolist(), strict=True)
    ]


def _task_means(work: GlobalStep, steps: Sequence[StepLosses]) -> dict[str, float | None]:
    """Each task's mean over the steps it has a part in; a task without any is left out."""
    columns = zip(*(step.by_task for step in steps), strict=True)
    found = [[loss for loss in column if loss is not None] for column in columns]
    return {
        rows.task: _mean(losses) for rows, losses in zip(work.tasks, found, strict=True) if losses
    }


def _mean(values: Sequence[float]) -> float | None:
    """None where it is not finite: JSON knows no such numbers."""
    mean = sum(values) / len(values)
    return mean if math.isfinite(mean) else None


def _short(value: float | None, digits: int = 2) -> str:
    return "not finite" if value is None else f"{value:.{digits}f}"
