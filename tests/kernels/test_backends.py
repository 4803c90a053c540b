"""What every back end promises of its candidates: order, completeness, and the bound of errors."""

import pytest
import torch
from torch import Tensor

from dstilts_kernels.topk import native
from dstilts_kernels.topk.backend import Backend, Candidates
from dstilts_kernels.topk.torch_backend import TorchBackend
from tests.kernels.search_cases import KINDS, Case, sides

_SETS = ("portable", "avx2", "avx512")


def _backends() -> list[tuple[str, Backend]]:
    found: list[tuple[str, Backend]] = [("torch", TorchBackend())]
    for isa in _SETS:
        try:
            backend = native.backend(isa)
        except ValueError:  # not on this machine
            continue
        if backend is not None:
            found.append((isa, backend))
    return found


BACKENDS = [
    pytest.param(backend, precision, id=f"{name}-{precision}")
    for name, backend in _backends()
    for precision in backend.precisions
]
# Panels of columns are 16 or 48 wide, of rows 4, 6 or 9; up to 96 rows alone go unpacked.
SHAPES = [(1, 1, 1), (5, 200, 33), (130, 97, 16), (200, 260, 100)]


def check(found: Candidates, exact_QN: Tensor, keep: int) -> None:
    """Asserts what `Candidates` says, given the exact scores in float64."""
    assert (
        found.indices.shape == found.scores.shape == (len(exact_QN), min(keep, exact_QN.shape[1]))
    )
    ascending = found.scores.diff(dim=1)
    assert (ascending <= 0).all()
    assert (found.indices.diff(dim=1)[ascending == 0] > 0).all()
    for row, indices in enumerate(found.indices):
        assert len(set(indices.tolist())) == len(indices)
        assert ((found.scores[row] - exact_QN[row, indices]).abs() <= found.error[row]).all()
        left = torch.ones(exact_QN.shape[1], dtype=torch.bool)
        left[indices] = False
        # Whatever is left has an approximate score of at most the last one.
        limit = found.scores[row, -1].double() + found.error[row].double()
        assert (exact_QN[row, left] <= limit).all()


@pytest.mark.parametrize(("backend", "precision"), BACKENDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("num_x", "num_y", "width"), SHAPES)
@pytest.mark.parametrize("metric", ["inner_product", "cosine"])
def test_candidates(
    backend: Backend, precision: str, kind: str, num_x: int, num_y: int, width: int, metric: str
) -> None:
    x, y = sides(Case(1, kind, num_x, num_y, width, 4, metric, torch.float32, True))
    scales_x = scales_y = None
    exact = x.double() @ y.double().T
    if metric == "cosine":
        scales_x, scales_y = (1 / torch.linalg.vector_norm(side.double(), dim=1) for side in (x, y))
        exact *= scales_x[:, None] * scales_y
    for columns in (False, True):
        forward, backward = backend.candidates(x, y, 7, precision, columns, scales_x, scales_y)
        check(forward, exact, 7)
        assert (backward is not None) == columns
        if backward is not None:
            check(backward, exact.T, 7)
    scores = backend.rescore(x, y, scales_x, scales_y, forward.indices)
    torch.testing.assert_close(
        scores, exact.gather(1, forward.indices).float(), rtol=1e-6, atol=1e-12
    )


@pytest.mark.parametrize(("backend", "precision"), BACKENDS)
def test_the_bound_is_not_idle(backend: Backend, precision: str) -> None:
    """A bound that is far too large would pass every other test, and leave all rows unproven."""
    x, y = sides(Case(2, "random", 150, 200, 256, 4, "cosine", torch.float32, True))
    scales = [1 / torch.linalg.vector_norm(side.double(), dim=1) for side in (x, y)]
    forward, _ = backend.candidates(x, y, 7, precision, True, *scales)
    assert forward.error.max() < {"fp32": 3e-5, "bf16": 0.007, "int8": 0.05}[precision]


def test_a_pair_has_one_score() -> None:
    x, y = sides(Case(3, "random", 40, 50, 333, 4, "cosine", torch.float32, True))
    scales = [1 / torch.linalg.vector_norm(side.double(), dim=1) for side in (x, y)]
    all_y, all_x = torch.arange(50).repeat(40, 1), torch.arange(40).repeat(50, 1)
    for _, backend in _backends():
        forward = backend.rescore(x, y, *scales, all_y)
        assert torch.equal(forward, backend.rescore(y, x, *reversed(scales), all_x).T)


def test_instruction_sets_sum_alike() -> None:
    x, y = sides(Case(4, "random", 30, 30, 100, 4, "cosine", torch.float32, True))
    indices = torch.arange(30).repeat(30, 1)
    scores = [
        backend.rescore(x, y, None, None, indices)
        for name, backend in _backends()
        if name != "torch"
    ]
    assert all(torch.equal(scores[0], other) for other in scores[1:])
