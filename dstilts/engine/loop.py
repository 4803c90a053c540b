"""The training loop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dstilts.core.process_group import ProcessGroup
from dstilts.core.random_numbers import torch_seed
from dstilts.engine.batches import BatchMaker, Pass
from dstilts.engine.hooks import Hook, StepResult
from dstilts.engine.learning_rate import schedule_factor
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.plan import GlobalStep, TrainingPlan
from dstilts.engine.prefetch import prefetched
from dstilts.engine.watchdog import Watchdog

# Steps whose batches are made while an earlier one is computed. Without a device there is no time
# to be gained: the cores are busy.
_PREFETCHED_ON_DEVICE = 2


@dataclass(frozen=True)
class _Work:
    step: int
    whole: GlobalStep
    passes: list[Pass]  # of this rank


class Loop:
    """Takes the steps of a plan with a DeepSpeed engine.

    Args:
        batches: makes this rank's batches.
        device: of this rank.
    """

    def __init__(
        self,
        engine: Any,
        plan: TrainingPlan,
        config: PhaseConfig,
        group: ProcessGroup,
        batches: BatchMaker,
        watchdog: Watchdog,
        device: torch.device,
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._config = config
        self._group = group
        self._batches = batches
        self._watchdog = watchdog
        self._device = device

    def run(self, first_step: int, hooks: Sequence[Hook]) -> None:
        """From `first_step` to the end of the plan, with the hooks in order after each step."""
        depth = _PREFETCHED_ON_DEVICE if self._device.type == "cuda" else 0
        steps = range(first_step, self._plan.num_steps)
        with prefetched(steps, self._prepare, depth, self._device) as prepared:
            for work in prepared:
                # What all ranks do in a step, and with which rates, follows from its number alone.
                rate = self._set_learning_rates(work.step)

                # This rank's passes; at the last one gradients meet and the optimizer steps.
                wants_norm = any(hook.wants_gradient_norm(work.step) for hook in hooks)
                losses = torch.zeros(2, len(self._plan.tasks), device=self._device)
                *earlier, last = work.passes
                for one in earlier:
                    self._forward_backward(work, one, losses)
                    self._engine.step()  # still accumulating: only counts
                self._forward_backward(work, last, losses)
                norm = self._update(work.step, wants_norm)

                # Log, save, validate, stop: each in its own hook.
                result = StepResult(work.step, work.whole, losses[0], losses[1].sum(), rate, norm)
                wishes = [hook.after_step(result) for hook in hooks]  # all of them, always
                if any(wishes):
                    break
        for hook in hooks:
            hook.at_end()

    def _prepare(self, step: int) -> _Work:
        """A step's batches on the host; may run ahead in a thread."""
        whole = self._plan.at(step)
        return _Work(step, whole, self._batches.of_step(step, whole, self._group))

    def _forward_backward(self, work: _Work, one: Pass, losses: Tensor) -> None:
        """One pass; adds to `losses` (2, tasks): the tasks' mean losses, and the step's loss."""
        self._watchdog.at("forward", work.step)
        # Dropout depends on the place in the plan alone: not on the rank that computes it, nor on
        # what was computed before. So a resumed run needs no state of random number generators.
        torch.manual_seed(torch_seed(self._config.seed, "dropout", work.step, one.number))
        batch: dict[str, Tensor | str] = {
            name: tensor.to(self._device, non_blocking=True) for name, tensor in one.tensors.items()
        }
        batch["head"] = self._plan.tasks[one.task].head
        loss = self._engine(batch)
        self._watchdog.at("backward", work.step)
        # DeepSpeed averages over ranks and accumulated passes, which together are all passes of the
        # step: what is left is the sum of the weighted losses.
        num_passes = len(work.passes) * self._group.world_size
        self._engine.backward(loss * (one.weight * num_passes))
        losses[0, one.task] += loss.detach() / one.count
        losses[1, one.task] += loss.detach() * one.weight

    def _update(self, step: int, wants_norm: bool) -> float | Tensor | None:
        """The optimizer's step; returns the gradient norm before clipping if it is wanted."""
        self._watchdog.at("optimizer step", step)
        # Stage 0 in fp32 keeps no norm, and clears the gradients in its step.
        if not self._engine.enable_backward_allreduce:
            _complete_gradients(self._engine.module)
        before = self._norm_of_gradients() if wants_norm else None
        self._engine.step()
        if not wants_norm:
            return None
        return before if before is not None else self._engine.get_global_grad_norm()

    def _norm_of_gradients(self) -> Tensor | None:
        engine = self._config.engine
        if engine.zero_stage != 0 or engine.precision != "fp32":
            return None
        gradients = [p.grad for p in self._engine.module.parameters() if p.grad is not None]
        return torch.nn.utils.get_total_norm(gradients)

    def _set_learning_rates(self, step: int) -> float:
        """Sets every group's rate for a step; returns the encoder's."""
        schedule = self._config.schedule
        factor = schedule_factor(step, self._plan.num_steps, schedule.warmup_share)
        for group in self._engine.optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
        return schedule.learning_rate * factor


def _complete_gradients(module: torch.nn.Module) -> None:
    """Zeros for weights that the step did not use, as where gradients are exchanged.

    AdamW skips a weight without a gradient: its moments would stand still in this step alone.
    """
    for parameter in module.parameters():
        if parameter.requires_grad and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
