"""The learning rate as a pure function of the step: nothing of it needs saving."""

import math

from dstilts.engine.phase import ScheduleConfig


def schedule_factor(step: int, num_steps: int, warmup_share: float) -> float:
    """The share of the peak rate at a step: linear from 0 over the warm-up, then linear to 0.

    As in the paper's code the very first step of a warm-up has the rate 0.
    """
    warmup_steps = math.ceil(warmup_share * num_steps)
    if step < warmup_steps:
        return step / warmup_steps
    return (num_steps - step) / max(1, num_steps - warmup_steps)


def decay_until(step: int, num_steps: int, schedule: ScheduleConfig) -> float:
    """What AdamW's weight decay makes of a weight without gradients in the steps before `step`.

    It multiplies such a weight by 1 - rate * decay in every step, and changes nothing else.
    """
    factors = (
        1.0
        - schedule.weight_decay
        * schedule.learning_rate
        * schedule_factor(number, num_steps, schedule.warmup_share)
        for number in range(step)
    )
    return math.prod(factors)
