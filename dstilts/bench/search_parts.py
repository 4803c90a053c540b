"""What the search bench measures: a search's time and memory, and the parts of our own.

Shapes: N rows of a side, D dimensions, K neighbours.
"""

import functools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dstilts.bench.measure import MemoryWatch, synchronise
from dstilts.bench.search_sides import Side
from dstilts.core.resident import resident_bytes
from dstilts.retrieval.search import TopK
from dstilts_kernels.topk import api, choice
from dstilts_kernels.topk.exact import kept
from dstilts_kernels.topk.native import NativeBackend


@dataclass(frozen=True)
class Run:
    """One search: wall and processor seconds, and the memory that it took beyond its input."""

    wall: float
    processor: float
    extra_bytes: int


def timed(
    side: Side, source: Tensor, target: Tensor, k: int, watch: MemoryWatch
) -> tuple[tuple[TopK, TopK], Run]:
    """The answer and what it took (host-device syncs)."""
    synchronise()
    before = _memory(source)
    begin, wall, processor = time.time(), time.perf_counter(), time.process_time()
    answer = side.search(source, target, k)
    synchronise()
    taken = time.perf_counter() - wall, time.process_time() - processor
    peak = max(watch.peak(begin, time.time()), before)
    return answer, Run(*taken, peak - before)


def _memory(vectors: Tensor) -> int:
    """The bytes that are taken now where the vectors are, from which on a peak counts."""
    if not vectors.is_cuda:
        return resident_bytes() or 0
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def loop_shares(source: Tensor, target: Tensor, k: int, rounds: int) -> dict[str, Any] | None:
    """The kernels' loop over all tiles beside the same loop that looks at no score.

    Both in processor seconds, in turns; the share is the median of the rounds'.
    """
    backend = choice.backends(source.device).get("native")
    if not isinstance(backend, NativeBackend):
        return None
    source, target = F.normalize(source, dim=1), F.normalize(target, dim=1)
    loops = {}
    for precision in backend.precisions:
        runs = [
            backend.loop_seconds(source, target, kept(k, precision), precision)
            for _ in range(rounds)
        ]
        loops[precision] = {
            "fused_seconds": round(statistics.median(run["fused"] for run in runs), 4),
            "bare_seconds": round(statistics.median(run["bare"] for run in runs), 4),
            "share_of_bare": round(statistics.median(r["bare"] / r["fused"] for r in runs), 3),
        }
    return loops


def margin_seconds(found: tuple[TopK, TopK], rounds: int) -> dict[str, float]:
    """The least seconds of the ratio margins of both directions, by back end, in turns."""
    on_gpu = found[0].scores.is_cuda
    names = ["triton" if on_gpu else "native", "reference"]
    if not on_gpu and "native" not in choice.backends(found[0].scores.device):
        names = ["reference"]
    runs = [
        {name: _seconds(functools.partial(api.margins, *found, backend=name)) for name in names}
        for _ in range(rounds + 1)
    ]
    return {name: round(min(run[name] for run in runs), 6) for name in names}


def product_seconds(source: Tensor, target: Tensor, rounds: int) -> dict[str, float]:
    """The seconds of one bare product of both sides on the GPU, block by block, in fp16."""
    halves = source.half(), target.half()

    def run() -> None:
        for block in halves[0].split(8192):
            block @ halves[1].T

    return {"fp16_seconds": round(min(_seconds(run) for _ in range(rounds + 1)), 4)}


def _seconds(run: Callable[[], object]) -> float:
    synchronise()
    begin = time.perf_counter()
    run()
    synchronise()
    return time.perf_counter() - begin
