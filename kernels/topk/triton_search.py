"""The first pass on a GPU: both directions of a search in one pass over the matrix of scores.

A pair is looked at once, and kept only where it beats a threshold of its row or of its column. The
thresholds come from a sample, then from the lists themselves, each time that the part of the matrix
that was seen has doubled.
"""

from dataclasses import dataclass, replace

import torch
import triton
from torch import Tensor
from triton.tools.tensor_descriptor import TensorDescriptor

from dstilts_kernels.topk import triton_kernels as kernels
from dstilts_kernels.topk.triton_kernels import CLOSED_KEY, EMPTY_KEY
from dstilts_kernels.topk.triton_sides import Lists, Side, capacity, make_lists, padded
from dstilts_kernels.topk.triton_tiles import Tile

# Programs of one launch.
_MOST_PROGRAMS = 2**30


@dataclass(frozen=True)
class Plan:
    """How a search goes about it; the answer does not depend on it."""

    tile: Tile
    group: int = 32  # columns whose best score is one number of the sample
    dense_below: int = 4096  # rows of the shorter side: fewer are not worth a sample
    block: int = 4096  # rows and columns of a piece of scores that is written out
    room: int | None = None  # for fresh keys, if not what `capacity` says
    rows_at_once: int = 2  # of a program that goes over rows, not over pairs
    interpreted: bool = False

    @property
    def dense_tile(self) -> Tile:
        """The tile of `dense_keys`, narrower: two keys of a pair take four times its registers."""
        return replace(self.tile, columns=min(64, self.tile.columns))


def best_keys(
    x: Side, y: Side, keep_x: int, keep_y: int, plan: Plan
) -> tuple[Tensor | None, Tensor | None]:
    """The best keys of each position of x (n, keep_x) and of y (m, keep_y), sorted; None for 0."""
    num_sampled = _num_sample_tiles(max(keep_x, keep_y), plan) * plan.tile.columns
    if min(x.count, y.count) < max(plan.dense_below, num_sampled):
        return dense_keys(x, y, keep_x, keep_y, plan)
    if x.count > y.count:  # the bands of `band_tile` must be thin for both sides
        keys_y, keys_x = best_keys(y, x, keep_y, keep_x, plan)
        return keys_x, keys_y
    lists_x, lists_y = _sampled(x, y, keep_x, plan), _sampled(y, x, keep_y, plan)
    num_rows, num_columns = _num_tiles(x, plan.tile.rows), _num_tiles(y, plan.tile.columns)
    first, last = 0, min(num_columns, 2 * _num_sample_tiles(max(keep_x, keep_y), plan))
    while first < num_columns:
        at_once = max(1, _MOST_PROGRAMS // num_rows)
        for band in range(first, last, at_once):
            _filter(x, y, lists_x, lists_y, band, min(at_once, last - band), plan)
        lists_x, lists_y = _merged(lists_x, plan), _merged(lists_y, plan)
        first, last = last, min(2 * last, num_columns)
    return _completed(x, y, lists_x, plan), _completed(y, x, lists_y, plan)


def dense_keys(
    x: Side, y: Side, keep_x: int, keep_y: int, plan: Plan
) -> tuple[Tensor | None, Tensor | None]:
    """`best_keys` by writing the keys out, a piece of the matrix at a time: for few rows."""
    best_x, best_y = _empty_keys(len(x.ids), keep_x, x), _empty_keys(len(y.ids), keep_y, y)
    size = max(plan.tile.rows, plan.tile.columns)
    num_rows = min(len(x.ids), max(plan.block // size, 1) * size)
    num_columns = max(plan.block**2 // num_rows // size, 1) * size
    for row in range(0, len(x.ids), num_rows):
        for column in range(0, len(y.ids), num_columns):
            rows = slice(row, min(row + num_rows, len(x.ids)))
            columns = slice(column, min(column + num_columns, len(y.ids)))
            keys_x, keys_y = _block_keys(x, y, rows, columns, keep_y > 0, plan)
            for best, part, keys in ((best_x, rows, keys_x), (best_y, columns, keys_y)):
                if keys is not None and best.shape[1]:
                    best[part] = torch.cat([best[part], keys], dim=1).topk(best.shape[1]).values
    return best_x[: x.count] if keep_x else None, best_y[: y.count] if keep_y else None


def _block_keys(
    x: Side, y: Side, rows: slice, columns: slice, both: bool, plan: Plan
) -> tuple[Tensor, Tensor | None]:
    tile = plan.dense_tile
    num_rows, num_columns = rows.stop - rows.start, columns.stop - columns.start
    keys_x = _empty_keys(num_rows, num_columns, x)
    keys_y = _empty_keys(num_columns, num_rows, y) if both else None
    kernels.all_keys[(num_rows // tile.rows, num_columns // tile.columns)](
        *_descriptors(x, y, tile), x.ids, y.ids, keys_x, keys_y,
        rows.start, columns.start, num_rows, num_columns, _num_steps(x, tile),
        BOTH=both, ROWS=tile.rows, COLUMNS=tile.columns, DEPTH=tile.depth,
        WIDEN=plan.interpreted, num_warps=tile.warps, num_stages=tile.stages,
    )  # fmt: skip
    return keys_x, keys_y


def _sampled(side: Side, other: Side, keep: int, plan: Plan) -> Lists:
    """Empty lists whose thresholds come from a sample of the other side."""
    bands = _num_sample_tiles(keep, plan)
    num_slots = bands * plan.tile.columns // plan.group
    lists = make_lists(side, keep, max(plan.room or capacity(keep), num_slots))
    if not keep:
        return lists
    _sample(side, other, lists, bands, plan)
    lists.counts.fill_(num_slots)
    lists = _merged(lists, plan)
    lists.kept.fill_(EMPTY_KEY)
    return lists


def _num_sample_tiles(keep: int, plan: Plan) -> int:
    """Tiles that give twice as many group maxima as are kept: their best tell of the best."""
    return triton.cdiv(plan.group * max(32, 2 * keep), plan.tile.columns)


def _sample(side: Side, other: Side, lists: Lists, bands: int, plan: Plan) -> None:
    tile, num_rows = plan.tile, _num_tiles(side, plan.tile.rows)
    kernels.sample_keys[(num_rows * bands,)](
        *_descriptors(side, other, tile), other.ids, lists.fresh,
        num_rows, _num_tiles(other, tile.columns), bands, _num_steps(side, tile),
        lists.fresh.shape[1], WIDTH=plan.group, **_options(plan),
    )  # fmt: skip


def _filter(
    x: Side, y: Side, lists_x: Lists, lists_y: Lists, band: int, bands: int, plan: Plan
) -> None:
    tile, num_rows = plan.tile, _num_tiles(x, plan.tile.rows)
    kernels.filter_pairs[(num_rows * bands,)](
        *_descriptors(x, y, tile),
        x.ids, lists_x.limits, lists_x.keys, lists_x.counts, lists_x.fresh,
        y.ids, lists_y.limits, lists_y.keys, lists_y.counts, lists_y.fresh,
        num_rows, _num_tiles(y, tile.columns), band, bands, _num_steps(x, tile),
        lists_x.fresh.shape[1], lists_y.fresh.shape[1], **_options(plan),
    )  # fmt: skip


def _merged(lists: Lists, plan: Plan) -> Lists:
    """Lists with nothing fresh, and the thresholds that follow; what overflowed is closed."""
    count, keep = lists.kept.shape
    if not keep:
        return lists
    slots = triton.next_power_of_2(keep + lists.fresh.shape[1])
    rows = plan.rows_at_once
    kernels.merge_lists[(triton.cdiv(count, rows),)](
        lists.kept, lists.merged, lists.fresh, lists.counts, lists.limits, lists.keys,
        count, keep, lists.fresh.shape[1], ROWS=rows, SLOTS=slots, STEP=8,
    )  # fmt: skip
    return replace(lists, kept=lists.merged, merged=lists.kept)


def _completed(side: Side, other: Side, lists: Lists, plan: Plan) -> Tensor | None:
    """The lists, done anew where they overflowed or have places left.

    Places are left where a pair that set a threshold does not pass it: the sample may have rounded
    its score otherwise, with the sides of the product exchanged.
    """
    count, keep = lists.kept.shape
    if not keep:
        return None
    lost = (lists.keys[:count] == CLOSED_KEY) | (lists.kept[:, -1] == EMPTY_KEY)
    # A host-device sync, one for each side of a search.
    lost = lost.nonzero().squeeze(1)
    if len(lost):
        lists.kept[lost] = dense_keys(_some(side, lost, plan.tile), other, keep, 0, plan)[0]
    return lists.kept


def _some(side: Side, positions: Tensor, tile: Tile) -> Side:
    extra = padded(len(positions), tile) - len(positions)
    vectors = torch.nn.functional.pad(side.vectors[positions], (0, 0, 0, extra))
    ids = torch.nn.functional.pad(side.ids[positions], (0, extra), value=-1)
    return replace(side, vectors=vectors, ids=ids, count=len(positions))


def _empty_keys(num_rows: int, num_columns: int, side: Side) -> Tensor:
    return torch.full((num_rows, num_columns), EMPTY_KEY, device=side.ids.device)


def _num_tiles(side: Side, size: int) -> int:
    return triton.cdiv(side.count, size)


def _num_steps(side: Side, tile: Tile) -> int:
    return side.vectors.shape[1] // tile.depth


def _descriptors(x: Side, y: Side, tile: Tile) -> tuple[TensorDescriptor, TensorDescriptor]:
    return (
        TensorDescriptor.from_tensor(x.vectors, [tile.rows, tile.depth]),
        TensorDescriptor.from_tensor(y.vectors, [tile.columns, tile.depth]),
    )


def _options(plan: Plan) -> dict[str, int | bool]:
    tile = plan.tile
    return {
        "ROWS": tile.rows,
        "COLUMNS": tile.columns,
        "DEPTH": tile.depth,
        "GROUP": tile.group,
        "WIDEN": plan.interpreted,
        "num_warps": tile.warps,
        "num_stages": tile.stages,
    }
