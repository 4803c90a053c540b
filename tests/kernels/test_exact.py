"""Proofs: whatever a first pass gives, if its bound holds, the answer is the reference's."""

import pytest
import torch
from torch import Tensor

from dstilts_kernels.topk import exact, reference
from dstilts_kernels.topk.backend import Candidates
from dstilts_kernels.topk.exact import Vectors
from dstilts_kernels.topk.torch_backend import TorchBackend
from tests.kernels.search_cases import KINDS, Case, sides


class Noisy(TorchBackend):
    """fp32 scores moved by up to `noise`, which it says; keeps a record of its passes."""

    precisions = ("bf16", "fp32")

    def __init__(self, noise: float) -> None:
        self.noise = noise
        self.rows: list[tuple[str, int]] = []

    def candidates(
        self,
        x_QD: Tensor,
        y_ND: Tensor,
        keep: int,
        precision: str,
        columns: bool,
        scales_x: Tensor | None = None,
        scales_y: Tensor | None = None,
    ) -> tuple[Candidates, Candidates | None]:
        self.rows.append((precision, len(x_QD)))
        if precision == "fp32":
            return super().candidates(x_QD, y_ND, keep, precision, columns)
        generator = torch.Generator().manual_seed(1)
        scores = (x_QD.double() @ y_ND.double().T).float()
        scores += self.noise * (2 * torch.rand(scores.shape, generator=generator) - 1)
        best, indices = scores.topk(min(keep, len(y_ND)), dim=1)
        bound = torch.full((len(x_QD),), self.noise * (1 + 1e-6) + 1e-3)
        return Candidates(best, indices, bound), None


@pytest.mark.parametrize("noise", [0.0, 0.1, 10.0])
@pytest.mark.parametrize("kind", KINDS)
def test_noise_does_not_change_the_answer(kind: str, noise: float) -> None:
    x, y = sides(Case(5, kind, 40, 120, 8, 4, "inner_product", torch.float32, False))
    found, _ = exact.search(Noisy(noise), Vectors(x, None), Vectors(y, None), 4, "bf16", False)
    expected = reference.topk(x, y, 4)
    assert torch.equal(found.indices, expected.indices)
    assert torch.equal(found.scores, expected.scores)


def test_only_open_rows_are_searched_again() -> None:
    x, y = sides(Case(6, "random", 300, 400, 16, 4, "inner_product", torch.float32, False))
    backend = Noisy(0.2)
    exact.search(backend, Vectors(x, None), Vectors(y, None), 4, "bf16", False)
    assert backend.rows[0] == ("bf16", 300)
    assert backend.rows[1][0] == "fp32"
    assert 0 < backend.rows[1][1] < 300
    backend = Noisy(0.2)
    exact.search(backend, Vectors(x, None), Vectors(y, None), 4, "bf16", False, approximate=True)
    assert backend.rows == [("bf16", 300)]


def test_an_equal_score_is_no_proof() -> None:
    """The dropped vector has the same score and a lower index than the listed one."""

    class Last(TorchBackend):
        precisions = ("fp16",)

        def candidates(self, x_QD, y_ND, *_: object) -> tuple[Candidates, None]:  # type: ignore[no-untyped-def,override]
            indices = torch.arange(len(y_ND) - 5, len(y_ND)).repeat(len(x_QD), 1)
            return Candidates(torch.ones(len(x_QD), 5), indices, torch.zeros(len(x_QD))), None

    x, y = torch.ones(1, 1), torch.ones(9, 1)
    found, _ = exact.search(Last(), Vectors(x, None), Vectors(y, None), 1, "fp16", False)
    assert found.indices.tolist() == [[0]]


def test_float64_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "_BLOCK_QUERIES", 3)
    monkeypatch.setattr(exact, "_BLOCK_CORPUS", 4)
    x, y = sides(Case(7, "small_integers", 10, 25, 3, 6, "inner_product", torch.float32, False))
    scores, indices = exact.search_float64(Vectors(x, None), Vectors(y, None), 6)
    expected = reference.topk(x, y, 6)
    assert torch.equal(indices, expected.indices)
    assert torch.equal(scores, expected.scores)
