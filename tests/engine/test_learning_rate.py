"""The learning rate against the schedule of transformers, which the paper's code uses."""

import pytest
import torch
from transformers import get_linear_schedule_with_warmup

from dstilts.engine.learning_rate import schedule_factor


@pytest.mark.parametrize(
    ("num_steps", "share"), [(20, 0.1), (7, 0.0), (10, 1.0), (1, 0.1), (3, 0.5)]
)
def test_same_as_transformers(num_steps: int, share: float) -> None:
    warmup = -(-num_steps * share // 1)
    probe = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    factor = get_linear_schedule_with_warmup(probe, warmup, num_steps).lr_lambdas[0]
    for step in range(num_steps):
        assert schedule_factor(step, num_steps, share) == pytest.approx(factor(step))


def test_ends_near_zero_and_peaks_at_one() -> None:
    rates = [schedule_factor(step, 100, 0.1) for step in range(100)]
    assert rates[0] == 0
    assert max(rates) == rates[10] == 1
    assert 0 < rates[-1] < 0.02
