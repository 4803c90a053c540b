"""What the Triton search holds of each side: rounded vectors in a mixed order, and lists of keys.

Memory is O((Q + N) (D + K)); `search_bytes` says how much before anything is allocated.
"""

from dataclasses import dataclass
from math import gcd

import torch
import triton
from torch import Tensor

from dstilts_kernels.topk import triton_kernels
from dstilts_kernels.topk.triton_kernels import CLOSED_KEY, EMPTY_KEY
from dstilts_kernels.topk.triton_tiles import Tile

TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
# The largest number of an unscaled side becomes 2^14: fp16 then has 28 more bits below it.
_EXPONENT = 14


@dataclass(frozen=True)
class Side:
    """Rounded vectors (P, W): P rows, W numbers wide, both padded with zeros to whole tiles.

    Position p holds vector ids[p]; -1 is padding, which comes last. The order is mixed, so that
    any range of positions is a fair sample of the side, however it was sorted.
    """

    vectors: Tensor  # (P, W)
    ids: Tensor  # (P,) int64
    norms: Tensor  # (3, P) float64: of the scaled vector, the rounded one, their difference
    unscale: Tensor  # a power of two, float64: vectors times it are the caller's vectors
    count: int


@dataclass(frozen=True)
class Lists:
    """The keys that the rows of a side have collected, and what a key must exceed to be added."""

    kept: Tensor  # (n, K) int64, sorted
    merged: Tensor  # (n, K) int64: where the next merge writes
    fresh: Tensor  # (P, capacity) int64, of which `counts` are filled
    counts: Tensor  # (P,) int32
    limits: Tensor  # (P,) float32: the threshold as a score
    keys: Tensor  # (P,) int64: the threshold


def padded(count: int, tile: Tile) -> int:
    return triton.cdiv(count, max(tile.rows, tile.columns)) * max(tile.rows, tile.columns)


def capacity(keep: int) -> int:
    """Room for fresh keys. When the part of the matrix that was seen doubles, about `keep` come."""
    return 4 * keep + 32


def mixed_order(count: int, device: torch.device) -> Tensor:
    """A permutation (count,) in which neighbours are far apart, and any range is spread evenly."""
    stride = max(1, int(count * 0.6180339887498949))
    while gcd(stride, count) != 1:
        stride += 1
    return torch.arange(count, device=device) * stride % count


def prepare(
    vectors: Tensor, scales: Tensor | None, precision: str, tile: Tile, rows_at_once: int = 2
) -> Side:
    """Scales, rounds and mixes the vectors (n, D) of a side, in one pass over them."""
    count, width = vectors.shape
    num_rows, num_steps = padded(count, tile), triton.cdiv(width, tile.depth)
    device = vectors.device
    ids = torch.full((num_rows,), -1, device=device)
    ids[:count] = mixed_order(count, device)
    if scales is None:
        low, high = torch.aminmax(vectors)
        exponent = _EXPONENT - torch.frexp(torch.maximum(-low.float(), high.float())).exponent
    else:  # unit vectors: no number is above 1
        exponent = torch.full((), _EXPONENT, device=device)
    factor = torch.ldexp(torch.ones((), dtype=torch.float64, device=device), exponent)
    factors = factor.expand(count).contiguous() if scales is None else scales.double() * factor
    rounded = torch.empty(num_rows, num_steps * tile.depth, dtype=TYPES[precision], device=device)
    norms = torch.empty(3, num_rows, dtype=torch.float64, device=device)
    triton_kernels.prepare[(num_rows // rows_at_once,)](
        vectors, ids, factors, rounded, norms, num_rows, width, num_steps,
        ROWS=rows_at_once, DEPTH=tile.depth,
    )  # fmt: skip
    return Side(rounded, ids, norms, 1 / factor, count)


def errors(side: Side, other: Side) -> Tensor:
    """Per position a bound (P,) float32 of |approximate - exact| against any vector of the other.

    |x.y - x'.y'| <= |x - x'| |y| + |x'| |y - y'|, plus what the sum loses: with S = |x'| |y'|, an
    fp32 sum of W products at most W 2^-24 S. Tensor cores add 16 products and the sum so far at a
    time, aligned to the largest and cut off: at most 18 times 2^-23 S.
    """
    exact, rounded, lost = side.norms
    other_exact, other_rounded, other_lost = other.norms.amax(dim=1)
    on_tensor_cores = side.vectors.dtype != torch.float32
    units = side.vectors.shape[1] * (2 * 18 / 16 if on_tensor_cores else 1)
    # Two more, as the exact score is rounded too, and the lengths were not.
    bound = lost * other_exact + rounded * other_lost
    bound += (units + 2) * 2.0**-24 * rounded * other_rounded
    # Norms and this sum are themselves rounded, and numbers below 1e-17 have vanished in squares.
    bound = (bound + 1e-17 * (exact + other_exact)) * (1 + 1e-6)
    return (bound * side.unscale * other.unscale).float()


def make_lists(side: Side, keep: int, slots: int) -> Lists:
    """Empty lists; with keep 0 lists that take nothing."""
    device = side.ids.device
    real = side.ids >= 0
    limits = torch.full((len(side.ids),), float("inf"), device=device)
    keys = torch.full((len(side.ids),), CLOSED_KEY, device=device)
    rows = len(side.ids) if keep else 0
    if keep:
        limits.masked_fill_(real, float("-inf"))
        keys.masked_fill_(real, EMPTY_KEY)
    return Lists(
        kept=torch.full((side.count if keep else 0, keep), EMPTY_KEY, device=device),
        merged=torch.empty((side.count if keep else 0, keep), dtype=torch.int64, device=device),
        fresh=torch.empty((rows, slots), dtype=torch.int64, device=device),
        counts=torch.zeros(rows, dtype=torch.int32, device=device),
        limits=limits,
        keys=keys,
    )


def scores_of(keys: Tensor, unscale: Tensor) -> Tensor:
    """The scores (float32) of keys, of the vectors before they were scaled by powers of two."""
    ordered = (keys >> 32).int()
    scores = (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).view(torch.float32)
    return (scores.double() * unscale).float()


def indices_of(keys: Tensor) -> Tensor:
    return 0xFFFFFFFF - (keys & 0xFFFFFFFF)


def side_bytes(count: int, width: int, keep: int, precision: str, tile: Tile) -> int:
    """What a `Side` and its `Lists` take."""
    rows, numbers = padded(count, tile), triton.cdiv(width, tile.depth) * tile.depth
    vectors = rows * (numbers * TYPES[precision].itemsize + 8 + 3 * 8) + 8
    limits = rows * (4 + 8)
    lists = rows * (4 + 8 * capacity(keep)) + 2 * 8 * count * keep if keep else 0
    return vectors + limits + lists
