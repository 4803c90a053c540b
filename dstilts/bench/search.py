"""`dstilts bench search`: neighbours of both directions with dstilts and its peers, in one run."""

import dataclasses
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dstilts.bench.machine import describe_machine
from dstilts.bench.measure import synchronise
from dstilts.bench.search_sides import FAISS, OURS, Side, make_sides
from dstilts.bench.search_vectors import sentence_vectors
from dstilts.core.files import write_json
from dstilts.core.logs import log
from dstilts.retrieval.mining import mined
from dstilts.retrieval.search import TopK
from dstilts_kernels.topk import choice
from dstilts_kernels.topk.native import NativeBackend

_PEER = "torch matmul and topk, both ways"


@dataclass(frozen=True)
class SearchPlan:
    """What is searched, and how often."""

    sizes: tuple[int, ...] = (16_000,)  # rows of each side
    dims: tuple[int, ...] = (384, 1024)
    k: int = 4
    rounds: int = 3
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    seed: int = 1


def measure_search(plan: SearchPlan, out: Path) -> dict[str, Any]:
    """Every side at every size, round after round; writes `out` after each and returns it."""
    torch.set_num_threads(plan.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    result: dict[str, Any] = {
        "bench": "search",
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": describe_machine("fp32"),
        "settings": dataclasses.asdict(plan),
        "cases": [],
    }
    for size in plan.sizes:
        for num_dims in plan.dims:
            result["cases"].append(_case(plan, size, num_dims, device))
            write_json(out, result)
    return result


def _case(plan: SearchPlan, size: int, num_dims: int, device: torch.device) -> dict[str, Any]:
    source, target = (v.to(device) for v in sentence_vectors(size, num_dims, plan.seed))
    sides = make_sides(device)
    runs: dict[str, list[tuple[float, float]]] = {side.name: [] for side in sides}
    answers: dict[str, tuple[TopK, TopK]] = {}
    k = min(plan.k, size)
    for number in range(plan.rounds + 1):
        for side in sides:
            answers[side.name], *taken = _timed(side, source, target, k)
            # Once untimed: kernels are compiled and chosen.
            if number:
                runs[side.name].append((taken[0], taken[1]))
        log(f"{size:,} x {size:,}, {num_dims} dimensions: round {number} of {plan.rounds}")
    found = {side.name: _figures(runs[side.name]) for side in sides}
    wanted = answers[FAISS] if FAISS in answers else answers[_PEER]
    for side in sides:
        _compare(found[side.name], found, answers[side.name], wanted)
    return {
        "size": size,
        "dims": num_dims,
        "k": k,
        "sides": found,
        "loop": _loop(source, target, k) if device.type == "cpu" else None,
        "products": _products(source, target, plan.rounds) if device.type == "cuda" else None,
    }


def _timed(
    side: Side, source: Tensor, target: Tensor, k: int
) -> tuple[tuple[TopK, TopK], float, float]:
    """The answer, and its wall and processor seconds (host-device syncs)."""
    synchronise()
    wall, processor = time.perf_counter(), time.process_time()
    answer = side.search(source, target, k)
    synchronise()
    return answer, time.perf_counter() - wall, time.process_time() - processor


def _figures(runs: list[tuple[float, float]]) -> dict[str, Any]:
    figures = {}
    for name, seconds in zip(("wall", "cpu"), zip(*runs, strict=True), strict=True):
        figures[f"{name}_seconds"] = {
            "median": round(statistics.median(seconds), 4),
            "least": round(min(seconds), 4),
            "most": round(max(seconds), 4),
        }
    return figures


def _compare(
    figures: dict[str, Any],
    found: dict[str, Any],
    answer: tuple[TopK, TopK],
    wanted: tuple[TopK, TopK],
) -> None:
    """Adds how many times less time this side takes than the peers, and what it finds otherwise."""
    for peer, name in ((FAISS, "faiss"), (_PEER, "torch")):
        for kind in ("cpu", "wall"):
            if peer in found:
                theirs = found[peer][f"{kind}_seconds"]["median"]
                own = figures[f"{kind}_seconds"]["median"]
                figures[f"{kind}_ratio_to_{name}"] = round(theirs / own, 2)
    figures["other_neighbours"] = sum(
        int((one.indices != other.indices).sum()) for one, other in zip(answer, wanted, strict=True)
    )
    figures["other_pairs"] = len(_pairs(answer) ^ _pairs(wanted)) // 2


def _pairs(answer: tuple[TopK, TopK]) -> set[tuple[int, int]]:
    pairs = mined(*answer)
    return set(zip(pairs.sources_P.tolist(), pairs.targets_P.tolist(), strict=True))


def _loop(source: Tensor, target: Tensor, k: int) -> dict[str, Any] | None:
    """The kernels' loop over all tiles beside the same loop that looks at no score."""
    backend = choice.backends(source.device).get("native")
    if not isinstance(backend, NativeBackend):
        return None
    loops = {}
    for precision in backend.precisions:
        seconds = backend.loop_seconds(source, target, 2 * k, precision)
        loops[precision] = {
            "fused_seconds": round(seconds["fused"], 4),
            "bare_seconds": round(seconds["bare"], 4),
            "share_of_bare": round(seconds["bare"] / seconds["fused"], 3),
        }
    return loops


def _products(source: Tensor, target: Tensor, rounds: int) -> dict[str, float]:
    """The seconds of one bare product of both sides on the GPU, block by block, in fp16."""
    halves = source.half(), target.half()

    def run() -> None:
        for block in halves[0].split(8192):
            block @ halves[1].T

    return {"fp16_seconds": round(min(_seconds(run) for _ in range(rounds + 1)), 4)}


def _seconds(run: Callable[[], None]) -> float:
    synchronise()
    begin = time.perf_counter()
    run()
    synchronise()
    return time.perf_counter() - begin


def table_lines(result: dict[str, Any]) -> list[str]:
    """The result for people: one table a case."""
    machine = result["machine"]
    where = ", ".join(machine["gpus"]) or f"{machine['cpu']}, {machine['threads']} threads"
    lines = [f"neighbours of both directions, k = {result['settings']['k']}, on {where}"]
    for case in result["cases"]:
        lines += [
            "",
            f"{case['size']:,} x {case['size']:,}, {case['dims']} dimensions",
            f"{'':34s} {'cpu s':>8s} {'range':>15s} {'wall s':>8s} {'x FAISS':>8s} "
            f"{'x torch':>8s} {'others':>7s} {'pairs':>6s}",
        ]
        lines += [_side_line(name, figures) for name, figures in case["sides"].items()]
        for precision, loop in (case["loop"] or {}).items():
            lines.append(f"{precision} loop: {loop['share_of_bare']:.0%} of the bare product")
        if case["products"]:
            ours = case["sides"][OURS]["wall_seconds"]["median"]
            share = case["products"]["fp16_seconds"] / ours
            lines.append(f"{OURS}: {share:.0%} of the bare product in fp16")
    return lines


def _side_line(name: str, figures: dict[str, Any]) -> str:
    cpu, wall = figures["cpu_seconds"], figures["wall_seconds"]
    spread = f"{cpu['least']:.3f}-{cpu['most']:.3f}"
    return (
        f"{name:34s} {cpu['median']:8.3f} {spread:>15s} {wall['median']:8.3f} "
        f"{figures.get('cpu_ratio_to_faiss', float('nan')):8.2f} "
        f"{figures['cpu_ratio_to_torch']:8.2f} {figures['other_neighbours']:7d} "
        f"{figures['other_pairs']:6d}"
    )
