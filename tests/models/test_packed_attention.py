"""Each kernel of packed attention against attention written out, row by row."""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from dstilts.models import packed_attention
from dstilts.models.packed_attention import (
    Kernel,
    PackedRows,
    attend_efficient,
    attend_flash,
    attend_padded,
    attend_runs,
    kernel_for,
)
from tests.models.cuda_kernels import cuda_kernels, probabilities

HEADS, SIZE = 3, 8
LENGTHS = [
    pytest.param([7], id="one row"),
    pytest.param([1], id="one token"),
    pytest.param([1, 1, 4, 4, 4, 9, 30], id="runs"),
    pytest.param([30, 1, 4, 1, 4], id="no order"),
]
WINDOWED = (attend_runs, attend_padded, attend_flash)
CASES = [(kernel, reach) for kernel in WINDOWED for reach in (None, 0, 3)]
CASES += [(attend_efficient, None)]


def packed(lengths: list[int]) -> PackedRows:
    starts = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0).to(torch.int32)
    places = [row * max(lengths) + place for row, n in enumerate(lengths) for place in range(n)]
    return PackedRows(starts, torch.tensor(places), len(lengths), max(lengths))


def tensors(num_tokens: int) -> list[Tensor]:
    draws = torch.Generator().manual_seed(3)
    shape = (num_tokens, HEADS, SIZE)
    made = (2 * torch.randn(shape, generator=draws, dtype=torch.float64) for _ in range(4))
    return [tensor.requires_grad_() for tensor in made]


def expected(lengths: list[int], scale: float, window: int) -> tuple[Tensor, ...]:
    query, key, value, grad = tensors(sum(lengths))
    rows = zip(*(each.split(lengths) for each in (query, key, value)), strict=True)
    output = torch.cat(
        [torch.einsum("hqk,khd->qhd", probabilities(q, k, scale, window), v) for q, k, v in rows]
    )
    return output, *torch.autograd.grad(output, (query, key, value), grad)


def attended(
    kernel: Kernel, lengths: list[int], scale: float | None, reach: int | None
) -> tuple[Tensor, ...]:
    query, key, value, grad = tensors(sum(lengths))
    output = kernel(query, key, value, packed(lengths), 0.0, scale, reach)
    return output, *torch.autograd.grad(output, (query, key, value), grad)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize(("kernel", "reach"), CASES)
def test_outputs_and_gradients(kernel: Kernel, lengths: list[int], reach: int | None) -> None:
    with cuda_kernels():
        found = attended(kernel, lengths, 0.3, reach)
    wanted = expected(lengths, 0.3, -1 if reach is None else reach)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("kernel", [attend_runs, attend_padded, attend_flash, attend_efficient])
def test_queries_of_first_tokens_alone(kernel: Kernel, lengths: list[int]) -> None:
    rows = packed(lengths).of_first_tokens()
    query, key, value, grad = tensors(sum(lengths))
    wanted = attend_runs(query, key, value, packed(lengths), 0.0, 0.3, None)[rows.first]
    with cuda_kernels():
        found = kernel(query[rows.first], key, value, rows, 0.0, 0.3, None)
        torch.testing.assert_close(found, wanted)
        grad = grad[rows.first]
        gradients = torch.autograd.grad(found, (query, key, value), grad)
    for one, other in zip(
        gradients, torch.autograd.grad(wanted, (query, key, value), grad), strict=True
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kernel", [attend_runs, attend_padded])
def test_without_a_scale_it_is_that_of_the_heads_size(kernel: Kernel) -> None:
    [found, *_], [wanted, *_] = attended(kernel, [2, 5], None, None), expected([2, 5], 8**-0.5, -1)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("kernel", [attend_flash, attend_efficient])
def test_cuda_kernels_are_given_the_dropout(kernel: Kernel) -> None:
    query, key, value, grad = tensors(7)
    with cuda_kernels() as kernels:
        kernel(query, key, value, packed([3, 4]), 0.1, 0.3, None).backward(grad)
    assert kernels.dropouts == [0.1]


@pytest.mark.parametrize("kernel", [attend_runs, attend_padded])
def test_dropout_drops_single_weights_and_keeps_the_mean(kernel: Kernel) -> None:
    query, key, _, _ = tensors(9)
    torch.manual_seed(1)
    ones = torch.ones(9, 1, SIZE, dtype=torch.float64).expand(9, HEADS, SIZE)
    draws = [kernel(query, key, ones, packed([4, 5]), 0.5, 0.01, None) for _ in range(400)]
    sums = torch.stack(draws)[..., 0]  # (draws, tokens, heads) of the weights that are left
    torch.testing.assert_close(sums.mean(0), torch.ones_like(sums[0]), atol=0.15, rtol=0)
    # All weights being about equal, a token of four keeps 0 to 4 of them.
    assert len(sums[:, 0].mul(2).round().unique()) == 5


@pytest.mark.parametrize(
    ("device", "dtype", "size", "reach", "has_flash", "kernel"),
    [
        ("cpu", torch.float32, 64, None, True, attend_runs),
        ("cpu", torch.bfloat16, 64, 5, True, attend_runs),
        ("cuda", torch.bfloat16, 64, None, True, attend_flash),
        ("cuda", torch.float16, 64, 5, True, attend_flash),
        ("cuda", torch.bfloat16, 64, None, False, attend_efficient),
        ("cuda", torch.float32, 64, None, True, attend_efficient),
        ("cuda", torch.float32, 64, 5, True, attend_padded),
        ("cuda", torch.bfloat16, 20, None, True, attend_padded),
        ("cuda", torch.bfloat16, 264, None, True, attend_padded),
        ("xpu", torch.bfloat16, 64, None, True, attend_padded),
    ],
)
def test_which_kernel_takes_what(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    dtype: torch.dtype,
    size: int,
    reach: int | None,
    has_flash: bool,
    kernel: Kernel,
) -> None:
    monkeypatch.setattr(packed_attention, "_has_flash", lambda _: has_flash)
    query = SimpleNamespace(device=torch.device(device, 0), dtype=dtype, shape=(1, 2, 3, size))
    assert kernel_for(query, reach) is kernel  # type: ignore[arg-type]
