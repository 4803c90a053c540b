"""`dstilts bench search`: neighbours of both directions with dstilts and its peers, in one run."""

import dataclasses
import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from dstilts.bench.machine import describe_machine
from dstilts.bench.measure import MemoryWatch
from dstilts.bench.search_parts import Run, loop_shares, margin_seconds, product_seconds, timed
from dstilts.bench.search_sides import FAISS, OURS, TORCH, make_sides, peer_versions
from dstilts.bench.search_vectors import sentence_vectors
from dstilts.core.files import write_json
from dstilts.core.logs import log
from dstilts.retrieval.mining import mined
from dstilts.retrieval.search import TopK

_LARGE = 20_000  # rows from which on fewer rounds are run
_WARM_ROWS = 2000


@dataclass(frozen=True)
class SearchPlan:
    """What is searched, and how often."""

    sizes: tuple[int, ...] = (16_000, 50_000)  # rows of each side
    dims: tuple[int, ...] = (384, 1024)
    k: int = 4
    rounds: int = 3  # half as many for what takes long
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
        "peers": peer_versions(),
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
    k = min(plan.k, size)
    sides = make_sides(device)
    for side in sides:
        # Untimed: threads start, and on a GPU kernels are compiled and chosen, for this size.
        rows = slice(None if device.type == "cuda" else _WARM_ROWS)
        side.search(source[rows], target[rows], min(k, len(source[rows])))
    runs: dict[str, list[Run]] = {side.name: [] for side in sides}
    answers: dict[str, tuple[TopK, TopK]] = {}
    rounds = plan.rounds if size <= _LARGE else (plan.rounds + 1) // 2
    with MemoryWatch() as watch:
        for number in range(1, rounds + 1):
            for side in sides:
                answers[side.name], run = timed(side, source, target, k, watch)
                runs[side.name].append(run)
            log(f"{size:,} x {size:,}, {num_dims} dimensions: round {number} of {rounds}")
    found = {side.name: _figures(runs[side.name]) for side in sides}
    wanted = answers[FAISS] if FAISS in answers else answers[TORCH]
    for side in sides:
        _compare(found[side.name], found, answers[side.name], wanted)
    return {
        "size": size,
        "dims": num_dims,
        "k": k,
        "sides": found,
        "loop": loop_shares(source, target, k, rounds) if device.type == "cpu" else None,
        "margins": margin_seconds(answers[OURS], rounds),
        "products": product_seconds(source, target, rounds) if device.type == "cuda" else None,
    }


def _figures(runs: list[Run]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, seconds in (("wall", [r.wall for r in runs]), ("cpu", [r.processor for r in runs])):
        figures[f"{name}_seconds"] = {
            "median": round(statistics.median(seconds), 4),
            "least": round(min(seconds), 4),
            "most": round(max(seconds), 4),
        }
    figures["extra_mib"] = round(max(run.extra_bytes for run in runs) / 2**20)
    return figures


def _compare(
    figures: dict[str, Any],
    found: dict[str, Any],
    answer: tuple[TopK, TopK],
    wanted: tuple[TopK, TopK],
) -> None:
    """Adds how many times less time this side takes than the peers, and what it finds otherwise."""
    for peer, name in ((FAISS, "faiss"), (TORCH, "torch")):
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
            f"{'x torch':>8s} {'others':>7s} {'pairs':>6s} {'MiB':>6s}",
        ]
        lines += [_side_line(name, figures) for name, figures in case["sides"].items()]
        for precision, loop in (case["loop"] or {}).items():
            lines.append(f"{precision} loop: {loop['share_of_bare']:.0%} of the bare product")
        for name, seconds in case["margins"].items():
            lines.append(f"margins, {name}: {1000 * seconds:.2f} ms")
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
        f"{figures['other_pairs']:6d} {figures['extra_mib']:6d}"
    )
