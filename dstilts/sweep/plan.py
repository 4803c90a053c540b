"""The plan of a grid: each node, why it has to run, what it costs, and who shares it."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dstilts.sweep.budget import affordable
from dstilts.sweep.claims import Claims
from dstilts.sweep.estimate import Cost, CostBook, hours_text, total
from dstilts.sweep.graph import Graph, Node, PhaseNode, ancestors
from dstilts.sweep.state import RunsState
from dstilts.sweep.why import Reasons


@dataclass(frozen=True)
class Planned:
    """One node as the plan shows it.

    Attributes:
        state: "done", "running", "to run", or "later" where the budget is too small for it.
        cells: of the grid that need it.
    """

    key: str
    kind: str
    title: str
    state: str
    why: str
    cells: int
    hours: float | None
    device: str | None
    rough: bool
    needs: str | None


@dataclass(frozen=True)
class Plan:
    """All nodes in the order in which they run; `hours` is what those to run will cost."""

    nodes: tuple[Planned, ...]
    hours: dict[str, float]
    unknown: int  # nodes to run whose cost is not known

    @property
    def to_run(self) -> tuple[str, ...]:
        """The keys of the nodes to run."""
        return tuple(node.key for node in self.nodes if node.state == "to run")


def make_plan(graph: Graph, runs: Path, budget: float | None = None) -> Plan:
    """The plan of a graph whose results stand below `runs`.

    Args:
        budget: core- or GPU-hours; without it everything that is missing is run.
    """
    state = RunsState(runs)
    outcomes, missing = state.outcomes(), state.missing(graph)
    costs, reasons = CostBook(graph, outcomes), Reasons(graph, state, outcomes)
    held = {key for key, _ in Claims(runs).held()}
    chosen = {node.key: node for node in missing}
    if budget is not None:
        first = affordable(graph, missing, outcomes, costs.cost, budget)
        chosen = {node.key: node for node in first}
    sharing = _sharing(graph)
    absent = {node.key for node in missing}

    def planned(node: Node) -> Planned:
        cost = costs.cost(node)
        place = "done"
        if node.key in absent:
            place = "to run" if node.key in chosen else "later"
        return Planned(
            key=node.key,
            kind="phase" if isinstance(node, PhaseNode) else "evaluation",
            title=node.title,
            state="running" if node.key in held else place,
            why=reasons.why(node),
            cells=sharing[node.key],
            hours=cost.hours if cost else None,
            device=cost.device if cost else None,
            rough=cost.rough if cost else False,
            needs=node.needs,
        )

    rest = [node for node in graph.nodes if node.key not in chosen]
    nodes = tuple(planned(node) for node in [*chosen.values(), *rest])
    found: list[Cost | None] = [costs.cost(node) for node in chosen.values()]
    hours, unknown = total(found)
    return Plan(nodes, hours, unknown)


def plan_text(plan: Plan) -> list[str]:
    """A line a node, and a sum."""
    lines = []
    for node in plan.nodes:
        shared = f" [{node.cells} cells]" if node.cells > 1 else ""
        hours = "" if node.hours is None else f" {'~' if node.rough else ''}{node.hours:.3f} h"
        why = f": {node.why}" if node.why else ""
        lines.append(f"{node.state:7s} {node.key} {node.title}{shared}{hours}{why}")
    states = Counter(node.state for node in plan.nodes)
    counts = ", ".join(f"{number} {state}" for state, number in states.items())
    kinds = Counter(node.kind for node in plan.nodes)
    lines.append(f"{kinds['phase']} phases and {kinds['evaluation']} evaluations: {counts}")
    lines.append(f"expected cost of what is to run: {hours_text(plan.hours, plan.unknown)}")
    return lines


def plan_json(plan: Plan) -> str:
    """The plan as one JSON object."""
    return json.dumps({"version": 1, **asdict(plan)}, indent=1)


def plan_dot(nodes: Sequence[Planned]) -> str:
    """The graph in Graphviz' language: boxes train, ellipses evaluate, what is done is filled."""
    lines = ["digraph grid {", "  rankdir=LR;"]
    for node in nodes:
        shape = "box" if node.kind == "phase" else "ellipse"
        style = ', style="filled", fillcolor="#d8e8d8"' if node.state == "done" else ""
        label = json.dumps(f"{node.title}\n{node.key}")
        lines.append(f'  "{node.key}" [label={label}, shape={shape}{style}];')
        if node.needs is not None:
            lines.append(f'  "{node.needs}" -> "{node.key}";')
    return "\n".join([*lines, "}"])


def _sharing(graph: Graph) -> Counter[str]:
    """How many cells need each node."""
    found: Counter[str] = Counter()
    for cell in graph.cells:
        evaluation = graph.by_key[cell.evaluation]
        found.update(node.key for node in [evaluation, *ancestors(graph, evaluation)])
    return found
