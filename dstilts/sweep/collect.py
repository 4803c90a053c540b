"""Makes room: removes what no node needs any more, and nothing else."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.sweep.claims import Claims
from dstilts.sweep.drivers import drivers
from dstilts.sweep.graph import Graph, PhaseNode
from dstilts.sweep.kept_grids import kept_grids
from dstilts.sweep.node import remove_folder
from dstilts.sweep.prepare import prepare
from dstilts.sweep.state import RunsState


@dataclass(frozen=True)
class Waste:
    """Something that may go.

    Attributes:
        key: of the node whose model it is; None for what only served a run.
    """

    path: Path
    num_bytes: int
    why: str
    key: str | None = None


def find_waste(runs: Path, *, intermediates: bool = False) -> list[Waste]:
    """What may go below a folder of runs, by the grids that were run there.

    A model goes when all that the grids evaluate of it is evaluated and no phase that is missing
    starts from it; its records, and the logs of its training, stay. Resume points of phases that
    are published go. Models that no kept grid knows stay: they are somebody's.

    Args:
        intermediates: models of intermediate phases too, from which later grids may start.

    Raises:
        UserError: a driver is at work, or no grid was run there.
    """
    if at_work := drivers(runs):
        raise UserError(
            f"a driver is at work here (process {at_work[0].pid} on {at_work[0].host})",
            file=runs,
            remedy="wait for it, or stop it with dstilts sweep cancel",
        )
    graphs = [prepare(chosen.grid, runs) for chosen in kept_grids(runs)]
    return list(_waste(graphs, RunsState(runs), intermediates))


def collect(waste: list[Waste], runs: Path) -> None:
    """Removes what `find_waste` found; a model's outcome says so first."""
    state, claims = RunsState(runs), Claims(runs)
    for each in waste:
        if each.key is None:
            shutil.rmtree(each.path, ignore_errors=True)
            continue
        claim = claims.take(each.key)
        if claim is None:
            continue  # somebody has begun to work with it
        try:
            outcome = state.outcomes().get(each.key)
            if outcome is not None:
                state.write(replace(outcome, collected=True))
                # What the model was stays, for the report.
                run_folder = each.path.with_name(f"{each.path.name}.run")
                if run_folder.is_dir():
                    shutil.copy2(each.path / "manifest.json", run_folder)
                remove_folder(each.path)
        finally:
            claim.release()


def _waste(graphs: list[Graph], state: RunsState, intermediates: bool) -> Iterator[Waste]:
    needed: set[str] = set()
    for graph in graphs:
        needed.update(node.needs for node in state.missing(graph) if node.needs)
    nodes = {
        node.key: node
        for graph in graphs
        for node in graph.phases
        if state.is_done(node) and state.outcome(node).done
    }
    for node in nodes.values():
        resume = node.phase.run_folder / "resume"
        if _may_go(node, needed, intermediates):
            size = _size(node.phase.output)
            yield Waste(node.phase.output, size, "evaluated, and no phase needs it", node.key)
        if resume.is_dir():
            yield Waste(resume, _size(resume), "resume points of a published phase")


def _may_go(node: PhaseNode, needed: set[str], intermediates: bool) -> bool:
    return node.key not in needed and (intermediates or node.phase.role == "target")


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
