"""Triton kernels over lists of pairs: exact scores, and the margins of both directions at once."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from dstilts_kernels.topk.reference import TopK

KINDS = ("ratio", "distance", "absolute")
_PAIRS, _DEPTH = 16, 64  # a tile of the rescoring
_ROWS = 32  # of a program of the margins


@triton.jit(do_not_specialize=["num_pairs", "per_row", "width"])
def rescore_pairs(
    x, y, x_scales, y_scales, indices, scores, num_pairs, per_row, width,
    SCALED: tl.constexpr, PAIRS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """Scores of pairs in float64, rounded once. The order of a sum is the same for every pair."""
    pair = tl.program_id(0).to(tl.int64) * PAIRS + tl.arange(0, PAIRS)
    inside = pair < num_pairs
    row = pair // per_row
    column = tl.load(indices + pair, mask=inside, other=0)
    sums = tl.zeros((PAIRS, DEPTH), tl.float64)
    for start in range(0, width, DEPTH):
        place = start + tl.arange(0, DEPTH)[None, :]
        mask = inside[:, None] & (place < width)
        left = tl.load(x + row[:, None] * width + place, mask=mask, other=0.0)
        right = tl.load(y + column[:, None] * width + place, mask=mask, other=0.0)
        sums += left.to(tl.float64) * right.to(tl.float64)
    score = tl.sum(sums, axis=1)
    if SCALED:
        score *= tl.load(x_scales + row, mask=inside, other=0.0) * tl.load(
            y_scales + column, mask=inside, other=0.0
        )
    tl.store(scores + pair, score.to(tl.float32), mask=inside)


def rescore(
    x_QD: Tensor,
    y_ND: Tensor,
    scales_x: Tensor | None,
    scales_y: Tensor | None,
    indices_QK: Tensor,
) -> Tensor:
    """Exact scores (Q, K) float32 of the pairs of each row; see `Backend.rescore`."""
    if (scales_x is None) != (scales_y is None):
        raise ValueError("both sides have scales, or none has")
    scores_QK = torch.empty(indices_QK.shape, device=x_QD.device)
    num_pairs = indices_QK.numel()
    if num_pairs:
        rescore_pairs[(triton.cdiv(num_pairs, _PAIRS),)](
            x_QD, y_ND, scales_x, scales_y, indices_QK.contiguous(), scores_QK,
            num_pairs, indices_QK.shape[1], x_QD.shape[1],
            SCALED=scales_x is not None, PAIRS=_PAIRS, DEPTH=_DEPTH,
        )  # fmt: skip
    return scores_QK


@triton.jit
def mean_of_rows(scores, rows, mask, per_row, SLOTS: tl.constexpr):
    slots = tl.arange(0, SLOTS)[None, :]
    inside = mask[:, None] & (slots < per_row)
    numbers = tl.load(scores + rows[:, None] * per_row + slots, mask=inside, other=0.0)
    return tl.sum(numbers.to(tl.float64), axis=1) / per_row


@triton.jit
def margins_of_side(
    block, scores, indices, num_rows, per_row, other_scores, other_per_row, out,
    KIND: tl.constexpr, ROWS: tl.constexpr, SLOTS: tl.constexpr, OTHER_SLOTS: tl.constexpr,
):  # fmt: skip
    rows = block.to(tl.int64) * ROWS + tl.arange(0, ROWS)
    inside = rows < num_rows
    own_mean = mean_of_rows(scores, rows, inside, per_row, SLOTS)
    for slot in range(per_row):
        place = rows * per_row + slot
        score = tl.load(scores + place, mask=inside, other=1.0).to(tl.float64)
        others = tl.load(indices + place, mask=inside, other=0)
        # A neighbour's mean is summed anew for each pair: K reads that the cache holds, against a
        # second launch.
        other_mean = mean_of_rows(other_scores, others, inside, other_per_row, OTHER_SLOTS)
        middle = tl.where(inside, (own_mean + other_mean) / 2, 1.0)
        if KIND == 0:
            score = score / middle
        if KIND == 1:
            score = score - middle
        tl.store(out + place, score, mask=inside)


@triton.jit(do_not_specialize=["num_x", "per_x", "num_y", "per_y", "x_blocks"])
def margins_of_both(
    x_scores, x_indices, x_out, num_x, per_x, y_scores, y_indices, y_out, num_y, per_y, x_blocks,
    KIND: tl.constexpr, ROWS: tl.constexpr, X_SLOTS: tl.constexpr, Y_SLOTS: tl.constexpr,
):  # fmt: skip
    """The first `x_blocks` programs do the rows of x, the others those of y."""
    block = tl.program_id(0)
    if block < x_blocks:
        margins_of_side(
            block, x_scores, x_indices, num_x, per_x, y_scores, per_y, x_out,
            KIND, ROWS, X_SLOTS, Y_SLOTS,
        )  # fmt: skip
    else:
        margins_of_side(
            block - x_blocks, y_scores, y_indices, num_y, per_y, x_scores, per_x, y_out,
            KIND, ROWS, Y_SLOTS, X_SLOTS,
        )  # fmt: skip


def margins(forward: TopK, backward: TopK, kind: str = "ratio") -> tuple[Tensor, Tensor]:
    """Margins of the neighbours in both directions, (Q, K) and (N, K) float64, in one launch.

    ratio a / b, distance a - b, absolute a, with a the score of a pair and b the mean of the mean
    scores of its two sides' neighbours. Within 1e-14 of a mean, the order of a float64 sum, equal
    to the same formula in torch.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown margin {kind!r}; there are {', '.join(KINDS)}")
    out_x = torch.empty(forward.scores.shape, dtype=torch.float64, device=forward.scores.device)
    out_y = torch.empty(backward.scores.shape, dtype=torch.float64, device=forward.scores.device)
    (num_x, per_x), (num_y, per_y) = out_x.shape, out_y.shape
    if out_x.numel() and out_y.numel():
        blocks = triton.cdiv(num_x, _ROWS), triton.cdiv(num_y, _ROWS)
        margins_of_both[(sum(blocks),)](
            forward.scores.contiguous(), forward.indices.contiguous(), out_x, num_x, per_x,
            backward.scores.contiguous(), backward.indices.contiguous(), out_y, num_y, per_y,
            blocks[0], KIND=KINDS.index(kind), ROWS=_ROWS,
            X_SLOTS=triton.next_power_of_2(per_x), Y_SLOTS=triton.next_power_of_2(per_y),
        )  # fmt: skip
    return out_x, out_y
