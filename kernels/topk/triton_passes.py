"""The passes of the Triton back end: tensors of a caller in, candidates of both directions out."""

import contextlib

import torch
import triton
from torch import Tensor

from dstilts_kernels.topk import triton_pairs, triton_search, triton_sides, triton_tiles
from dstilts_kernels.topk.backend import Candidates
from dstilts_kernels.topk.reference import TopK
from dstilts_kernels.topk.triton_search import Plan
from dstilts_kernels.topk.triton_sides import Side
from dstilts_kernels.topk.triton_tiles import Tile

# A matrix that a tile is measured on: large enough to fill the device several times.
_MEASURED_ROWS = 16384
# Products in a search, about 10 ms of an H200. Compiling all tiles takes a minute, once.
_WORTH_MEASURING = 2**42


class TritonBackend:
    """See `Backend`. All tensors are on one CUDA device; in the interpreter, on the CPU."""

    name = "triton"
    precisions = ("fp16", "bf16", "fp32")

    def __init__(self, plan: Plan | None = None) -> None:
        self._plan = plan

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
        with _device(x_QD):
            plan = self._plan or plan_for(x_QD, y_ND, precision)
            x = triton_sides.prepare(x_QD, scales_x, precision, plan.tile, plan.rows_at_once)
            y = triton_sides.prepare(y_ND, scales_y, precision, plan.tile, plan.rows_at_once)
            keep_y = min(keep, x.count) if columns else 0
            keys_x, keys_y = triton_search.best_keys(x, y, min(keep, y.count), keep_y, plan)
            return _candidates(keys_x, x, y), _candidates(keys_y, y, x) if columns else None

    def rescore(
        self,
        x_QD: Tensor,
        y_ND: Tensor,
        scales_x: Tensor | None,
        scales_y: Tensor | None,
        indices_QK: Tensor,
    ) -> Tensor:
        with _device(x_QD):
            return triton_pairs.rescore(x_QD, y_ND, scales_x, scales_y, indices_QK)

    def margins(self, forward: TopK, backward: TopK, kind: str) -> tuple[Tensor, Tensor]:
        """See `triton_pairs.margins`."""
        with _device(forward.scores):
            return triton_pairs.margins(forward, backward, kind)


def plan_for(x_QD: Tensor, y_ND: Tensor, precision: str) -> Plan:
    """The plan of a device and a width: the tile measured once, or what the interpreter takes."""
    if not x_QD.is_cuda:
        return Plan(triton_tiles.INTERPRETED, rows_at_once=64, interpreted=True)
    device, bucket = x_QD.device, triton_tiles.width_bucket(x_QD.shape[1])
    room = torch.cuda.get_device_properties(device).shared_memory_per_block_optin
    item_bytes = triton_sides.TYPES[precision].itemsize
    tiles = [tile for tile in _tiles(precision) if tile.shared_bytes(item_bytes) <= room]
    if len(x_QD) * len(y_ND) * bucket < _WORTH_MEASURING:
        return Plan(tiles[0])
    key = f"{torch.cuda.get_device_name(device)} triton {triton.__version__} {precision} {bucket}"
    return Plan(
        triton_tiles.fastest_tile(key, tiles, lambda t: _seconds(t, bucket, precision, device))
    )


def search_bytes(
    num_queries: int, num_corpus: int, width: int, keep: int, precision: str, columns: bool
) -> int:
    """What `candidates` allocates at most beside its result, whatever the tile: O((Q + N)(D + K)).

    The pieces of scores that are written out for few rows, or for rows whose lists overflowed,
    take up to 1 GiB more.
    """
    keep_y = min(keep, num_queries) if columns else 0
    return max(
        triton_sides.side_bytes(num_queries, width, min(keep, num_corpus), precision, tile)
        + triton_sides.side_bytes(num_corpus, width, keep_y, precision, tile)
        for tile in _tiles(precision)
    )


def _candidates(keys: Tensor, side: Side, other: Side) -> Candidates:
    """Keys by position, as scores and indices by index."""
    ids = side.ids[: side.count]
    by_index = torch.empty_like(keys)
    by_index[ids] = keys
    error = torch.empty(side.count, device=keys.device)
    error[ids] = triton_sides.errors(side, other)[: side.count]
    unscale = side.unscale * other.unscale
    scores = triton_sides.scores_of(by_index, unscale)
    return Candidates(scores, triton_sides.indices_of(by_index), error)


def _tiles(precision: str) -> tuple[Tile, ...]:
    return triton_tiles.SINGLE_TILES if precision == "fp32" else triton_tiles.HALF_TILES


def _seconds(tile: Tile, width: int, precision: str, device: torch.device) -> float:
    """How long a search of a random matrix takes with a tile."""
    generator = torch.Generator(device).manual_seed(0)
    vectors = torch.randn(_MEASURED_ROWS, width, device=device, generator=generator)
    side = triton_sides.prepare(vectors.half(), None, precision, tile)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    times = []
    for _ in range(6):
        start.record()
        triton_search.best_keys(side, side, 8, 8, Plan(tile))
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1000)
    return sorted(times[1:])[2]  # the first one compiles


def _device(tensor: Tensor) -> contextlib.AbstractContextManager[object]:
    # Triton launches on the current device, whichever the tensors are on.
    return torch.cuda.device(tensor.device) if tensor.is_cuda else contextlib.nullcontext()
