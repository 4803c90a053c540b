"""Graphs for the tests: a small grid, expanded with made-up digests."""

from pathlib import Path

from dstilts.core.files import write_json
from dstilts.engine.phase import TaskUse
from dstilts.sweep.graph import EvaluationNode, Graph, GraphBuilder, Node, PhaseNode
from dstilts.sweep.grid import Grid, Intermediate, Target
from dstilts.sweep.ingredients import EvaluationData, Ingredients, task_key, use_key
from dstilts.sweep.state import Outcome, RunsState

NLI = TaskUse("mnli", examples=100)
QA = TaskUse("squad_v1", examples=50)

GRID = Grid(
    name="test",
    intermediates=(Intermediate("nli", (NLI,)), Intermediate("nli+qa", (NLI, QA))),
    targets=(
        Target("xnli", evaluate=("xnli",), tasks=(NLI,)),
        Target("xquad", evaluate=("xquad",), tasks=(QA,)),
        Target("mlqa", evaluate=("tydiqa",), tasks=(QA,)),
        Target("tatoeba", evaluate=("tatoeba",)),
    ),
)


def ingredients(grid: Grid, *, encoder_key: str = "e", mnli: str = "m", xnli: str = "x"):
    """What a grid's graph is made of, with the digests of two sets to choose."""
    return Ingredients(
        encoder="default",
        encoder_key=encoder_key,
        training={
            use_key(use, seed): (mnli if use.task == "mnli" else "q")
            for use, seed in grid.seeded_uses()
        },
        evaluation={
            task_key(task, target.limit): EvaluationData(
                ("en", "de"), xnli if task == "xnli" else "d"
            )
            for target in grid.targets
            for task in target.evaluate
        },
    )


def expand(grid: Grid, runs: Path = Path("runs"), **digests: str) -> Graph:
    """The graph of a grid with its models below `runs`."""
    return GraphBuilder(grid, ingredients(grid, **digests), runs / "models").build()


def finish(node: Node, state: RunsState, seconds: float = 36.0, **scores: float) -> Outcome:
    """Makes a node done, as if it had been run."""
    records: tuple[str, ...] = ()
    if isinstance(node, PhaseNode):
        write_json(node.phase.output / "manifest.json", {"settings": {}})
    else:
        records = (f"records/{node.key}/a.json",)
        write_json(state.runs / records[0], {})
    outcome = Outcome(
        node.key,
        node.title,
        node.parts,
        done=True,
        finished=1.0,
        seconds=seconds,
        records=records,
        scores=scores,
    )
    state.write(outcome)
    return outcome


def evaluation_of(graph: Graph, intermediate: str, target: str, seed: int = 1) -> EvaluationNode:
    """The evaluation of a cell."""
    (key,) = {
        cell.evaluation
        for cell in graph.cells
        if (cell.intermediate, cell.target, cell.seed) == (intermediate, target, seed)
    }
    node = graph.by_key[key]
    assert isinstance(node, EvaluationNode)
    return node
