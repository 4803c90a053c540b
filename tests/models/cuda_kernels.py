"""Stand-ins on the CPU for torch's CUDA kernels of attention, so that the calls to them can be run.

They keep to the operators' contracts: argument order, shapes, types, and gradients that autograd
takes from the backward operators. Dropout is noted, not done.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Pair = tuple[Tensor, Tensor]
Three = tuple[Tensor, Tensor, Tensor]


def probabilities(query: Tensor, key: Tensor, scale: float, window: int) -> Tensor:
    """Attention of the tokens of one row (H, L, L); `window` is -1 where there is none."""
    scores = torch.einsum("qhd,khd->hqk", query, key) * scale
    places = torch.arange(len(query))
    far = (places[:, None] - places).abs() > window
    return scores.masked_fill(far & (window >= 0), float("-inf")).softmax(-1)


def gradients(
    grad: Tensor, query: Tensor, key: Tensor, value: Tensor, scale: float, window: int
) -> Three:
    """Of the attention of one row."""
    weights = probabilities(query, key, scale, window)
    by_weight = torch.einsum("qhd,khd->hqk", grad, value)
    by_score = weights * (by_weight - (by_weight * weights).sum(-1, keepdim=True)) * scale
    return (
        torch.einsum("hqk,khd->qhd", by_score, key),
        torch.einsum("hqk,qhd->khd", by_score, query),
        torch.einsum("hqk,qhd->khd", weights, grad),
    )


def _rows(
    starts: Pair, queries: tuple[Tensor, ...], keys: tuple[Tensor, ...]
) -> list[tuple[Tensor, ...]]:
    """Tensors of queries and tensors of keys, each split into rows."""
    sizes, sizes_k = (each.diff().tolist() for each in starts)
    return [*(each.split(sizes) for each in queries), *(each.split(sizes_k) for each in keys)]


class Kernels:
    """The four operators, and with which dropout they were called."""

    def __init__(self) -> None:
        self.dropouts: list[float] = []

    def flash(self, q, k, v, starts, starts_k, max_q, max_k, dropout, causal, debug, **options):  # type: ignore[no-untyped-def]
        """aten::_flash_attention_forward."""
        assert q.dim() == 3
        assert not causal
        assert options["window_size_left"] == options["window_size_right"]
        self.dropouts.append(dropout)
        self._check(starts, starts_k, max_q, max_k, len(q), len(k))
        both, window = (starts, starts_k), options["window_size_left"]
        output = self._forward(q, k, v, both, options.get("scale"), window)
        none = torch.empty(0)
        rng_state = torch.zeros(2, dtype=torch.uint64)
        return output, torch.zeros(q.shape[1], len(q)), rng_state, none, none

    def flash_backward(  # type: ignore[no-untyped-def]
        self, grad, q, k, v, out, lse, starts, starts_k, max_q, max_k, dropout, *_, **options
    ):
        """aten::_flash_attention_backward."""
        self._check(starts, starts_k, max_q, max_k, len(q), len(k))
        assert dropout == self.dropouts[-1]
        both, window = (starts, starts_k), options["window_size_left"]
        return self._backward(grad, q, k, v, both, options.get("scale"), window)

    def efficient(  # type: ignore[no-untyped-def]
        self, q, k, v, bias, starts, starts_k, max_q, max_k, dropout, mask, with_lse=False, **more
    ):
        """aten::_efficient_attention_forward."""
        assert q.dim() == 4
        assert bias is None
        assert mask == 0
        assert with_lse
        self.dropouts.append(dropout)
        self._check(starts, starts_k, max_q, max_k, q.shape[1], k.shape[1])
        output = self._forward(q[0], k[0], v[0], (starts, starts_k), more["scale"], -1)
        lse = torch.zeros(len(starts) - 1, q.shape[2], -(-max_q // 32) * 32)
        seed = torch.zeros((), dtype=torch.long)
        return output[None], lse, seed, seed, max_q, max_k

    def efficient_backward(  # type: ignore[no-untyped-def]
        self, grad, q, k, v, bias, out, starts, starts_k, max_q, max_k, lse, dropout, *_, **options
    ):
        """aten::_efficient_attention_backward."""
        assert dropout == self.dropouts[-1]
        both, scale = (starts, starts_k), options.get("scale")
        found = self._backward(grad[0], q[0], k[0], v[0], both, scale, -1)
        return *(each[None] for each in found), torch.empty(0)

    def _check(
        self, starts: Tensor, starts_k: Tensor, max_q: int, max_k: int, num: int, num_k: int
    ) -> None:
        assert starts.dtype == starts_k.dtype == torch.int32
        assert len(starts) == len(starts_k)
        for each, longest, total in ((starts, max_q, num), (starts_k, max_k, num_k)):
            assert longest == int(each.diff().max())
            assert each[-1] == total

    def _forward(
        self, q: Tensor, k: Tensor, v: Tensor, starts: Pair, scale: float | None, window: int
    ) -> Tensor:
        scale = q.shape[-1] ** -0.5 if scale is None else scale
        rows = zip(*_rows(starts, (q,), (k, v)), strict=True)
        outputs = [
            torch.einsum("hqk,khd->qhd", probabilities(a, b, scale, window), c) for a, b, c in rows
        ]
        return torch.cat(outputs)

    def _backward(
        self,
        grad: Tensor,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        starts: Pair,
        scale: float | None,
        window: int,
    ) -> Three:
        scale = q.shape[-1] ** -0.5 if scale is None else scale
        rows = zip(*_rows(starts, (grad, q), (k, v)), strict=True)
        parts = [gradients(*row, scale, window) for row in rows]
        first, second, third = (torch.cat(each) for each in zip(*parts, strict=True))
        return first, second, third


@contextmanager
def cuda_kernels() -> Iterator[Kernels]:
    """Within it the CUDA operators take tensors of the CPU."""
    kernels = Kernels()
    library = torch.library.Library("aten", "IMPL")
    for name, kernel in (
        ("_flash_attention_forward", kernels.flash),
        ("_flash_attention_backward", kernels.flash_backward),
        ("_efficient_attention_forward", kernels.efficient),
        ("_efficient_attention_backward", kernels.efficient_backward),
    ):
        library.impl(name, kernel, "CPU")
    try:
        yield kernels
    finally:
        library._destroy()
