"""The training loop."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dstilts.core.process_group import ProcessGroup
from dstilts.core.random_numbers import torch_seed
from dstilts.engine.hooks import Hook, StepResult
from dstilts.engine.learning_rate import schedule_factor
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.plan import GlobalStep, TrainingPlan


class Loop:
    """Takes the steps of a plan with a DeepSpeed engine.

    Args:
        pad_id: the tokenizer's padding id.
        device: of this rank.
    """

    def __init__(
        self,
        engine: Any,
        plan: TrainingPlan,
        config: PhaseConfig,
        group: ProcessGroup,
        *,
        pad_id: int,
        device: torch.device,
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._config = config
        self._group = group
        self._pad_id = pad_id
        self._device = device

    def run(self, first_step: int, hooks: Sequence[Hook]) -> None:
        """From `first_step` to the end of the plan, with the hooks in order after each step."""
        for step in range(first_step, self._plan.num_steps):
            # What all ranks do in this step, and with which rates, follows from its number alone.
            work = self._plan.at(step)
            rate = self._set_learning_rates(step)

            # This rank's micro-batches; at the last one gradients meet and the optimizer steps.
            wants_norm = any(hook.wants_gradient_norm(step) for hook in hooks)
            *earlier, last = work.of_rank(self._group.rank, self._group.world_size)
            shares = []
            for number, chosen in earlier:
                shares.append(self._forward_backward(step, number, chosen, work))
                self._engine.step()  # still accumulating: only counts
            shares.append(self._forward_backward(step, *last, work))
            norm = self._update(wants_norm)

            # Log, save, stop: each in its own hook.
            loss = torch.stack(shares).sum()
            for hook in hooks:
                hook.after_step(StepResult(step, work, loss, rate, norm))
        for hook in hooks:
            hook.at_end()

    def _forward_backward(
        self, step: int, number: int, chosen: np.ndarray, work: GlobalStep
    ) -> Tensor:
        """One micro-batch; returns its share of the step's loss, still on the device."""
        # Dropout depends on the place in the plan alone: not on the rank that computes it, nor on
        # what was computed before. So a resumed run needs no state of random number generators.
        torch.manual_seed(torch_seed(self._config.seed, "dropout", step, number))
        place = (self._config.seed, step, number)
        tensors = work.task.batch(chosen, self._pad_id, place)
        batch: dict[str, Tensor | str] = {
            name: tensor.to(self._device, non_blocking=True) for name, tensor in tensors.items()
        }
        # All micro-batches of a step are of one task: with different heads on different ranks
        # ZeRO 1 and 2 would add up gradients of different parameters without a word.
        batch["head"] = work.task.head
        share = self._engine(batch) / work.loss_count
        # DeepSpeed averages over ranks and accumulated micro-batches, which are as many as the
        # micro-batches of the step: what is left is the sum of the shares.
        self._engine.backward(share * len(work.micro_batches))
        return share.detach()

    def _update(self, wants_norm: bool) -> float | Tensor | None:
        """The optimizer's step; returns the gradient norm before clipping if it is wanted."""
        if not wants_norm:
            self._engine.step()
            return None
        # Stage 0 in fp32 keeps no norm, and clears the gradients in its step.
        before = self._norm_of_gradients()
        self._engine.step()
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
