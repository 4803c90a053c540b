"""The back end for any device and any machine: blocks of a matrix product, and torch's top-k.

Shapes: Q queries, N corpus vectors, D dimensions, K results of a query.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from dstilts_kernels.topk.backend import Candidates
from dstilts_kernels.topk.keys import best_of, keys_of, results_of

# The scores of one block are 2048 x 8192 float32 numbers: 64 MiB.
_BLOCK_ROWS = 2048
_BLOCK_COLUMNS = 8192
_GATHERED = 2**22  # float64 numbers that `rescore` holds at a time
_ROUNDING = 2.0**-24  # of fp32
_TINY = 2.0**-126  # below it fp32 numbers may count as 0


class TorchBackend:
    """Unfused: a block of scores is in memory before the best of it are taken."""

    name = "torch"
    precisions = ("fp32",)

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
        """See `Backend.candidates`."""
        x, y = _Side(x_QD, scales_x), _Side(y_ND, scales_y)
        best_x = [x.no_keys(rows) for rows in x.blocks(_BLOCK_ROWS)]
        best_y = []
        with _full_precision():
            for y_rows in y.blocks(_BLOCK_COLUMNS):
                y_block = y.scaled(y_rows)
                column = y.no_keys(y_rows)
                for number, x_rows in enumerate(x.blocks(_BLOCK_ROWS)):
                    scores = x.scaled(x_rows) @ y_block.T
                    best_x[number] = _better(best_x[number], scores, y_rows.start, keep)
                    if columns:
                        column = _better(column, scores.T, x_rows.start, keep)
                best_y.append(column)
        forward = Candidates(*results_of(torch.cat(best_x)), x.error(y))
        if not columns:
            return forward, None
        return forward, Candidates(*results_of(torch.cat(best_y)), y.error(x))

    def rescore(
        self,
        x_QD: Tensor,
        y_ND: Tensor,
        scales_x: Tensor | None,
        scales_y: Tensor | None,
        indices_QK: Tensor,
    ) -> Tensor:
        """See `Backend.rescore`."""
        if not indices_QK.numel():
            return torch.empty(indices_QK.shape, device=x_QD.device)
        rows = max(1, _GATHERED // (indices_QK.shape[1] * max(1, x_QD.shape[1])))
        scores = []
        for start in range(0, len(x_QD), rows):
            indices = indices_QK[start : start + rows]
            products = x_QD[start : start + rows].double()[:, None] * y_ND[indices].double()
            block = products.sum(2)
            if scales_x is not None and scales_y is not None:
                block *= scales_x[start : start + rows, None] * scales_y[indices]
            scores.append(block.float())
        return torch.cat(scores)


class _Side:
    """The vectors of one side in fp32, scaled block by block."""

    def __init__(self, vectors: Tensor, scales: Tensor | None) -> None:
        self.vectors = vectors
        self.scales = scales

    def blocks(self, size: int) -> list[range]:
        count = len(self.vectors)
        return [range(start, min(count, start + size)) for start in range(0, count, size)]

    def no_keys(self, rows: range) -> Tensor:
        return torch.empty(len(rows), 0, dtype=torch.int64, device=self.vectors.device)

    def scaled(self, rows: range) -> Tensor:
        block = self.vectors[rows.start : rows.stop]
        if self.scales is None:
            return block.float()
        return (block.double() * self.scales[rows.start : rows.stop, None]).float()

    def lengths(self) -> Tensor:
        blocks = [
            torch.linalg.vector_norm(self.scaled(rows).double(), dim=1)
            for rows in self.blocks(_BLOCK_ROWS)
        ]
        return torch.cat(blocks)

    def error(self, other: "_Side") -> Tensor:
        """Bound of the error of each vector's scores: a sum of D products, in whatever order,
        after one rounding of each factor where it was scaled."""
        num_dims = self.vectors.shape[1]
        relative = 1.01 * (num_dims + 4) * _ROUNDING
        bounds = relative * self.lengths() * other.lengths().max() + 4 * (num_dims + 4) * _TINY
        return bounds.float() * (1 + 1e-6)


def _better(best_keys: Tensor, scores: Tensor, first: int, keep: int) -> Tensor:
    """The `keep` best of `best_keys` and of a block whose first column has the index `first`."""
    block, places = scores.topk(min(keep, scores.shape[1]), dim=1)
    return best_of(torch.cat([best_keys, keys_of(block, places + first)], dim=1), keep)


@contextmanager
def _full_precision() -> Iterator[None]:
    """Products of fp32 numbers without shortcuts through TF32 or bf16."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
