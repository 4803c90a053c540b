"""Exact scores of pairs and margins by Triton, against the same formulas in torch."""

import pytest
import torch

from dstilts_kernels.topk import reference, triton_pairs
from dstilts_kernels.topk.reference import TopK
from dstilts_kernels.topk.triton_passes import TritonBackend
from tests.kernels.triton_cases import DEVICE, normal_numbers


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("cosine", [False, True])
def test_rescore(dtype: torch.dtype, cosine: bool) -> None:
    x, y = normal_numbers("x", 7, 130).to(dtype), normal_numbers("y", 11, 130).to(dtype)
    indices = torch.arange(11, device=DEVICE).expand(7, 11)
    scales = [1 / v.double().norm(dim=1) if cosine else None for v in (x, y)]
    scores = TritonBackend().rescore(x, y, *scales, indices)
    expected = x.double() @ y.double().T
    if scales[0] is not None and scales[1] is not None:
        expected *= scales[0][:, None] * scales[1]
    assert scores.dtype == torch.float32
    # A float64 sum differs by 1e-14 at most: it may be rounded the other way, no more.
    torch.testing.assert_close(scores, expected.float(), rtol=1.2e-7, atol=0)
    backward = TritonBackend().rescore(
        y, x, *scales[::-1], indices[:, :7].expand(7, 7)[:1].expand(11, 7)
    )
    assert torch.equal(scores.T, backward)


def test_rescore_of_nothing() -> None:
    x = normal_numbers("x", 3, 2)
    nothing = torch.empty(3, 0, dtype=torch.int64, device=DEVICE)
    assert TritonBackend().rescore(x, x, None, None, nothing).shape == (3, 0)


def plain_margins(found: TopK, own: torch.Tensor, others: torch.Tensor, kind: str) -> torch.Tensor:
    scores = found.scores.double()
    middle = (own[:, None] + others[found.indices]) / 2
    return {"ratio": scores / middle, "distance": scores - middle, "absolute": scores}[kind]


@pytest.mark.parametrize("kind", triton_pairs.KINDS)
@pytest.mark.parametrize(("num_x", "num_y", "k"), [(1, 1, 1), (40, 70, 5), (3, 90, 4)])
def test_margins(kind: str, num_x: int, num_y: int, k: int) -> None:
    x, y = normal_numbers("x", num_x, 6), normal_numbers("y", num_y, 6)
    forward, backward = reference.mutual_topk(x, y, k)
    found = TritonBackend().margins(forward, backward, kind)
    means = forward.scores.double().mean(1), backward.scores.double().mean(1)
    expected = (
        plain_margins(forward, *means, kind),
        plain_margins(backward, *means[::-1], kind),
    )
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_margins_of_nothing_and_of_unknown_kinds() -> None:
    some, none = normal_numbers("x", 3, 2), torch.empty(0, 2, device=DEVICE)
    forward, backward = TritonBackend().margins(*reference.mutual_topk(some, none, 2), "ratio")
    assert (forward.shape, backward.shape) == ((3, 0), (0, 2))
    with pytest.raises(ValueError, match="unknown margin 'mean'; there are ratio, distance"):
        triton_pairs.margins(*reference.mutual_topk(some, some, 2), "mean")
