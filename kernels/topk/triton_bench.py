"""Measures the Triton search on a GPU, beside the matrix product it contains and beside torch.

    python -m dstilts_kernels.topk.triton_bench --sizes 131072 1048576 --widths 384 1024 --out FILE

All that is compared runs in turn, round after round, in one process.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import triton
from torch import Tensor

from dstilts_kernels.topk.triton_passes import TritonBackend, plan_for, search_bytes

_K = 4
_KEEP = _K + 4  # as an exact search keeps of an fp16 pass
_SCORES = 2**30  # that torch writes out at a time
_CHECKED = 64  # rows compared with float64


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[131072, 1048576])
    parser.add_argument("--widths", type=int, nargs="+", default=[384, 1024])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    results = [
        measured(size, width, options.rounds, device)
        for size in options.sizes
        for width in options.widths
    ]
    text = json.dumps({"machine": _machine(device), "results": results}, indent=1)
    if options.out is None:
        sys.stdout.write(text + "\n")
    else:
        options.out.write_text(text + "\n")


def measured(size: int, width: int, rounds: int, device: torch.device) -> dict[str, object]:
    """Seconds of each way to search `size` vectors against as many, and what they took."""
    x, y = _bitext(size, width, device)
    backend = TritonBackend()
    halves = x.half(), y.half()
    block = min(size, 16384)
    blocks = halves[0][:block], halves[1][:block].T
    products = (size / block) ** 2

    def search() -> Tensor:
        found = backend.candidates(x, y, _KEEP, "fp16", columns=True)
        scores = [
            backend.rescore(left, right, None, None, side.indices)
            for left, right, side in ((x, y, found[0]), (y, x, found[1]))
            if side is not None
        ]
        return found[0].indices.gather(1, scores[0].topk(min(_K, size), dim=1).indices)

    ways: dict[str, Callable[[], object]] = {
        "product": lambda: blocks[0] @ blocks[1],
        "candidates": lambda: backend.candidates(x, y, _KEEP, "fp16", columns=True),
        "search": search,
        "torch": lambda: (_torch_topk(*halves), _torch_topk(*halves[::-1])),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()  # compiles and, for the search, measures tiles
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(_seconds(way, device) * (products if name == "product" else 1))
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "size": size,
        "width": width,
        "tile": vars(plan_for(x, y, "fp16").tile),
        "seconds": {n: [min(t), middle[n], max(t)] for n, t in seconds.items()},
        "tflops": {n: 2e-12 * size * size * width / s for n, s in middle.items() if n != "torch"},
        "of_product": middle["product"] / middle["candidates"],
        "times_torch": middle["torch"] / middle["search"],
        "bytes": _held(lambda: backend.candidates(x, y, _KEEP, "fp16", columns=True), device),
        "bytes_said": search_bytes(size, size, width, _KEEP, "fp16", columns=True),
        "rows_wrong": _wrong(x, y, search()),
    }


def _bitext(size: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Unit vectors with a decaying spectrum; row i of one side is a noisy row i of the other."""
    generator = torch.Generator(device).manual_seed(0)
    spectrum = torch.linspace(1, width, width, device=device) ** -0.5
    x = torch.randn(size, width, device=device, generator=generator) * spectrum
    y = x + 0.6 * torch.randn(size, width, device=device, generator=generator) * spectrum
    return x / x.norm(dim=1, keepdim=True), y / y.norm(dim=1, keepdim=True)


def _torch_topk(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    best = [
        (rows @ y.T).topk(min(_K, len(y)), dim=1) for rows in x.split(max(1, _SCORES // len(y)))
    ]
    return torch.cat([part.values for part in best]), torch.cat([part.indices for part in best])


def _wrong(x: Tensor, y: Tensor, found: Tensor) -> int:
    """Of some rows, how many have other neighbours than a float64 search finds."""
    rows = torch.arange(0, len(x), max(1, len(x) // _CHECKED), device=x.device)
    best = torch.empty(len(rows), 0, dtype=torch.float64, device=x.device)
    for part in y.split(2**16):
        best = torch.cat([best, x[rows].double() @ part.double().T], 1).topk(found.shape[1]).values
    scores = (x[rows].double()[:, None] * y[found[rows]].double()).sum(2)
    return int(((scores - best).abs() > 1e-12).any(dim=1).sum())


def _seconds(way: Callable[[], object], device: torch.device) -> float:
    _wait(device)
    start = time.perf_counter()
    way()
    _wait(device)
    return time.perf_counter() - start


def _held(way: Callable[[], object], device: torch.device) -> int | None:
    """The most bytes held at once beyond those before, results included."""
    if device.type != "cuda":
        return None
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    way()
    return torch.cuda.max_memory_allocated() - before


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _machine(device: torch.device) -> dict[str, str]:
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else platform.processor(),
        "torch": torch.__version__,
        "triton": triton.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }


if __name__ == "__main__":
    main()
