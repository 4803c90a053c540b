"""`dstilts bench sweep`: a grid of thousands of nodes planned, looked through, and shared out.

The nodes do nothing but write their results, so that what is measured is the sweep alone.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dstilts.bench.machine import describe_machine
from dstilts.core.errors import RunError
from dstilts.core.files import write_json
from dstilts.core.logs import log
from dstilts.sweep.claims import Claims
from dstilts.sweep.graph import Graph, GraphBuilder, Node, PhaseNode
from dstilts.sweep.grid import Grid, load_grid
from dstilts.sweep.ingredients import EvaluationData, Ingredients, task_key, use_key
from dstilts.sweep.plan import make_plan
from dstilts.sweep.state import Outcome, RunsState
from dstilts.sweep.worker import Queue

_ENDS = "ends.txt"  # a line for each node that a driver has run


@dataclass(frozen=True)
class SweepPlan:
    """What is measured, and how large."""

    nodes: int = 11_180  # of the planned grid, at least
    claimed: int = 2_000  # nodes that the drivers share, at least
    drivers: int = 4
    rounds: int = 5  # of planning; figures are medians


def measure_sweep(plan: SweepPlan, out: Path) -> dict[str, Any]:
    """Measures planning, the state check and the drivers; writes `out` and returns it.

    Raises:
        RunError: a node was run twice, or not at all.
    """
    with tempfile.TemporaryDirectory(prefix="dstilts-bench-") as name:
        folder = Path(name)
        result = {
            "bench": "sweep",
            "plan": asdict(plan),
            "machine": describe_machine("fp32"),
            "planning": _planning(plan, folder / "planned"),
            "drivers": _drivers(plan, folder / "driven"),
        }
    write_json(out, result)
    return result


def table_lines(result: dict[str, Any]) -> list[str]:
    """The figures as lines."""
    planning, driven = result["planning"], result["drivers"]
    lines = [f"{planning['nodes']:,} nodes, median of {result['plan']['rounds']} (range)"]
    for name, title in _TITLES.items():
        low, median, high = planning[name]
        lines.append(f"  {title:42s} {median:7.3f} s ({low:.3f} to {high:.3f})")
    lines.append(
        f"{driven['nodes']:,} nodes shared by {result['plan']['drivers']} drivers: "
        f"{driven['claims_per_second']:.0f} a second, {driven['twice']} run twice, "
        f"{1000 * driven['seconds_per_node']:.2f} ms of a driver's time a node"
    )
    return lines


_TITLES = {
    "expand": "the graph from the grid",
    "check_none": "state check, nothing done",
    "check_all": "state check, all done",
    "plan_all": "the whole plan: reasons, costs, sharing",
}


def grid_of(num_nodes: int) -> Grid:
    """The paper's grid with as many seeds as make that many nodes."""
    grid = load_grid("smoke")
    per_seed = len(graph_of(grid, Path("x")).nodes) // len(grid.seeds)
    return replace(grid, seeds=tuple(range(1, 2 + num_nodes // per_seed)))


def graph_of(grid: Grid, runs: Path) -> Graph:
    """A grid's graph with made-up digests of its data."""
    ingredients = Ingredients(
        encoder=grid.encoder,
        encoder_key="encoder",
        training={use_key(use, seed): use.task for use, seed in grid.seeded_uses()},
        evaluation={
            task_key(name, target.limit): EvaluationData(("en",), name)
            for target in grid.targets
            for name in target.evaluate
        },
    )
    return GraphBuilder(grid, ingredients, runs / "models").build()


def finish(node: Node, state: RunsState) -> None:
    """A node's results without its work, written as a worker writes them."""
    if isinstance(node, PhaseNode):
        write_json(node.phase.output / "manifest.json", {})
    outcome = Outcome(node.key, node.title, node.parts, done=True, finished=0.0, seconds=1.0)
    state.write(outcome)


def _planning(plan: SweepPlan, runs: Path) -> dict[str, Any]:
    grid = grid_of(plan.nodes)
    graph, state = graph_of(grid, runs), RunsState(runs)
    log(f"planning {len(graph.nodes):,} nodes")
    found: dict[str, Any] = {"nodes": len(graph.nodes)}
    found["expand"] = _times(plan.rounds, lambda: graph_of(grid, runs))
    found["check_none"] = _times(plan.rounds, lambda: state.missing(graph))
    for node in graph.nodes:
        finish(node, state)
    found["check_all"] = _times(plan.rounds, lambda: state.missing(graph))
    found["plan_all"] = _times(plan.rounds, lambda: make_plan(graph, runs))
    return found


def _drivers(plan: SweepPlan, runs: Path) -> dict[str, Any]:
    graph = graph_of(grid_of(plan.claimed), runs)
    log(f"{plan.drivers} drivers share {len(graph.nodes):,} nodes")
    runs.mkdir(parents=True)
    command = [sys.executable, "-m", "dstilts.bench.sweep", str(plan.claimed), str(runs)]
    drivers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(plan.drivers)
    ]
    for driver in drivers:
        assert driver.stdout is not None
        driver.stdout.readline()  # it has read the graph
    begin = time.perf_counter()
    reports = [json.loads(driver.communicate()[0]) for driver in _told(drivers)]
    seconds = time.perf_counter() - begin
    ends = Counter((runs / _ENDS).read_text().split())
    if set(ends) != {node.key for node in graph.nodes}:
        raise RunError(f"{len(ends)} of {len(graph.nodes)} nodes were run")
    twice = sum(number - 1 for number in ends.values())
    if twice:
        raise RunError(f"{twice} nodes were run twice")
    return {
        "nodes": len(graph.nodes),
        "wall_seconds": seconds,
        "claims_per_second": len(graph.nodes) / seconds,
        "twice": twice,
        "nodes_of_each": [report["nodes"] for report in reports],
        "seconds_per_node": statistics.fmean(r["seconds"] / max(1, r["nodes"]) for r in reports),
    }


def _told(drivers: "list[subprocess.Popen[str]]") -> "list[subprocess.Popen[str]]":
    """All begin before the first one's end is waited for."""
    for driver in drivers:
        assert driver.stdin is not None
        driver.stdin.write("go\n")
        driver.stdin.flush()
    return drivers


def _drive(num_nodes: int, runs: Path) -> None:
    """One driver: waits for a line, runs nodes until all are done, says how many."""
    graph, state = graph_of(grid_of(num_nodes), runs), RunsState(runs)
    print("ready", flush=True)
    sys.stdin.readline()
    queue = Queue(graph.nodes, state, Claims(runs), since=0.0)
    number, begin = 0, time.perf_counter()
    with (runs / _ENDS).open("a") as ends:
        while queue.waits_for("all"):
            while (taken := queue.take("all")) is not None:
                node, claim = taken
                ends.write(f"{node.key}\n")
                ends.flush()
                finish(node, state)
                claim.release()
                number += 1
    print(json.dumps({"nodes": number, "seconds": time.perf_counter() - begin}))


def _times(rounds: int, work: Callable[[], object]) -> tuple[float, float, float]:
    """Lowest, median and highest of the seconds that it takes."""
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), statistics.median(seconds), max(seconds)


if __name__ == "__main__":
    _drive(int(sys.argv[1]), Path(sys.argv[2]))
