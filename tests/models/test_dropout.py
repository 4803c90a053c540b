"""Dropout by shared draws: how much is dropped, what stays, and what flows back."""

import pytest
import torch
from torch import nn

from dstilts.models.dropout import Dropout, dropout, use_quick_dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_that_is_dropped_and_the_mean_that_stays(p: float) -> None:
    torch.manual_seed(1)
    values = torch.ones(999, 1001)
    output = dropout(values, p)
    dropped = float((output == 0).float().mean())
    spread = (p * (1 - p) / values.numel()) ** 0.5
    assert abs(dropped - p) < 5 * spread + 2**-16
    assert len(output.unique()) == 2
    assert float(output.mean()) == pytest.approx(1.0, abs=5 * spread / (1 - p))


def test_neighbours_are_dropped_independently() -> None:
    """Four values share a draw: each part of it has to be as good as a draw of its own."""
    torch.manual_seed(2)
    dropped = (dropout(torch.ones(250_000, 4), 0.3) == 0).double()
    covariance = torch.cov(dropped.T)
    spread = 0.3 * 0.7 / 250_000**0.5
    assert (covariance - torch.eye(4) * 0.21).abs().max() < 5 * spread


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (0, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_gradients_flow_where_values_stay(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    torch.manual_seed(3)
    values = torch.randn(shape, dtype=dtype).abs().add(1).requires_grad_()
    output = dropout(values, 0.4)
    assert output.dtype == dtype
    gradient = torch.randn(shape, dtype=dtype)
    (found,) = torch.autograd.grad(output, values, gradient)
    scale = 65536 / (65536 - round(0.4 * 65536))
    torch.testing.assert_close(found, torch.where(output == 0, 0, gradient * scale).to(dtype))


def test_it_depends_on_the_seed_alone() -> None:
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(dropout(torch.ones(100, 3), 0.1))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_nothing_and_everything() -> None:
    values = torch.ones(5)
    assert torch.equal(dropout(values, 0.0), values)
    assert torch.equal(dropout(values, 1.0), torch.zeros(5))
    assert Dropout(0.9).eval()(values) is values


def test_a_models_dropouts_are_exchanged() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.3), nn.ReLU())).eval()
    names = list(model.state_dict())
    use_quick_dropout(model)
    found = model[1][0]
    assert type(found) is Dropout
    assert found.p == 0.3
    assert not found.training
    assert list(model.state_dict()) == names
    torch.manual_seed(0)
    assert (model.train()(torch.ones(100, 2)) == 0).any()
