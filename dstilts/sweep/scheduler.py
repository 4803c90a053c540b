"""Runs a graph: missing phases in launches of one depth each, then all cells in one farm."""

from pathlib import Path

from dstilts.core.config import write_config
from dstilts.core.logs import log
from dstilts.sweep.graph import Graph, PhaseNode
from dstilts.sweep.grid import Grid
from dstilts.sweep.local import LaunchError, ranks_at_hand, train_locally
from dstilts.sweep.prepare import languages_of, prepare
from dstilts.sweep.state import driver_lock, is_done, missing_phases
from dstilts.tasks.open_source import open_source


def run_grid(grid: Grid, runs: Path) -> Graph:
    """Trains and evaluates what of `grid` is missing below `runs`; what is there stays.

    Raises:
        UserError: a mistake in the grid or its data, or another driver at work on `runs`.
        LaunchError: a phase failed; everything that does not need it has been run.
    """
    with driver_lock(runs) as lock:
        graph = prepare(grid, runs)
        failures = _train(graph, runs, lock)
        evaluate_cells(graph, grid, runs)
    if failures:
        raise LaunchError(failures)
    return graph


def _train(graph: Graph, runs: Path, lock: int) -> str | None:
    """Trains the missing phases; returns what failed, in words."""
    ranks = ranks_at_hand()
    total, missing = len(graph.phases), missing_phases(graph)
    log(f"phases: {total}, of which {total - len(missing)} are published already")
    failed: dict[str, str] = {}
    while ready := _ready(missing_phases(graph), failed):
        files = [_phase_file(node, runs) for node in ready]
        log(f"launching {len(ready)} phases on {ranks} ranks: " + ", ".join(map(_title, ready)))
        try:
            train_locally(files, runs / "logs" / "train.log", ranks=ranks, lock=lock)
            problem = "it was not published"
        except LaunchError as error:
            problem = str(error)
        # The phases of a launch run in turn, so the first unpublished one is the one that failed.
        broken = next((node for node in ready if not is_done(node)), None)
        if broken is not None:
            log(f"phase {_title(broken)} failed: {problem}")
            failed[broken.key] = problem
    if not failed:
        return None
    blocked = len(missing_phases(graph)) - len(failed)
    reasons = "; ".join(failed.values())
    return f"{len(failed)} phases failed, {blocked} that need them were not started: {reasons}"


def _ready(missing: tuple[PhaseNode, ...], failed: dict[str, str]) -> list[PhaseNode]:
    """The missing phases whose parent is there, less those that failed."""
    absent = {node.key for node in missing}
    return [node for node in missing if node.needs not in absent and node.key not in failed]


def _phase_file(node: PhaseNode, runs: Path) -> Path:
    path = runs / "phases" / f"{node.phase.output.name}.toml"
    write_config(path, node.phase, comment=f"phase {_title(node)}, written by the sweep")
    return path


def _title(node: PhaseNode) -> str:
    return node.phase.output.name.rpartition("-s")[0]


def evaluate_cells(graph: Graph, grid: Grid, runs: Path) -> None:
    """Evaluates every cell whose model is there, all in one farm; scores there are kept."""
    from dstilts.evaluation.evaluate import evaluate
    from dstilts.evaluation.executors import open_executor
    from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest

    absent = {node.key for node in missing_phases(graph)}
    settings = grid.evaluation
    source = open_source(grid.data.source, grid.data.folder)
    requests = [
        EvaluationRequest(cell.model, (name,), languages_of(name, grid, source), cell.limit)
        for cell in graph.cells
        if cell.needs not in absent
        for name in cell.evaluate
    ]
    options = EvaluationOptions(
        precision=settings.precision,
        tokens=settings.tokens,
        retrieval_layer=settings.retrieval_layer,
        max_length=grid.batch.max_length,
        max_length_span=grid.batch.max_length_span,
    )
    with open_executor(ranks_at_hand()) as executor:
        evaluate(requests, source, runs, options, executor)
