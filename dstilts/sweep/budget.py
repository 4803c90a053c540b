"""Which nodes to run for so many hours: those that say most about the grid for what they cost."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev

from dstilts.sweep.estimate import Cost
from dstilts.sweep.graph import Cell, Graph, Node, ancestors
from dstilts.sweep.state import Outcome

# In points, until a column has scores of its own: a guess that rows differ more than seeds of one.
SPREAD_OF_ROWS = 5.0
SPREAD_OF_SEEDS = 1.0

_Place = tuple[str, str]  # intermediate and target


@dataclass(frozen=True)
class Column:
    """How much the scores of a target vary, in points."""

    rows: float
    seeds: float


def columns(graph: Graph, outcomes: Mapping[str, Outcome]) -> dict[str, Column]:
    """The spread of each target over rows and over seeds, measured where there are enough."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for cell in graph.cells:
        score = _score(cell, outcomes)
        if score is not None:
            scores[cell.target][cell.intermediate].append(score)
    found = {}
    for cell in graph.cells:
        rows = scores[cell.target]
        means = [fmean(values) for values in rows.values()]
        spreads = [stdev(values) for values in rows.values() if len(values) > 1]
        found[cell.target] = Column(
            rows=stdev(means) if len(means) > 2 else SPREAD_OF_ROWS,
            seeds=fmean(spreads) if spreads else SPREAD_OF_SEEDS,
        )
    return found


def gain(column: Column, num_seeds: int) -> float:
    """How much surer a cell's mean gets by one more seed, in points of its standard error.

    Before the first seed all that is known is how far rows lie apart.
    """
    before = column.rows + column.seeds if num_seeds == 0 else column.seeds / num_seeds**0.5
    return max(0.0, before - column.seeds / (num_seeds + 1) ** 0.5)


def affordable(
    graph: Graph,
    missing: tuple[Node, ...],
    outcomes: Mapping[str, Outcome],
    cost_of: Callable[[Node], Cost | None],
    hours: float,
) -> list[Node]:
    """The missing nodes to run within `hours`, most information for the cost first.

    An evaluation brings its cells a seed more; it costs itself and what it needs that is missing
    and not chosen yet. A node of unknown cost counts as the costliest known one.
    """
    return _Choice(graph, missing, outcomes, cost_of).within(hours)


class _Choice:
    def __init__(
        self,
        graph: Graph,
        missing: tuple[Node, ...],
        outcomes: Mapping[str, Outcome],
        cost_of: Callable[[Node], Cost | None],
    ) -> None:
        self._graph = graph
        self._missing = {node.key: node for node in missing}
        self._columns = columns(graph, outcomes)
        costs = {node.key: cost_of(node) for node in missing}
        known = [cost.hours for cost in costs.values() if cost is not None]
        costliest = max(known, default=0.0)
        self._hours = {key: cost.hours if cost else costliest for key, cost in costs.items()}
        self._cells: dict[str, list[Cell]] = defaultdict(list)
        self._seeds: dict[_Place, int] = defaultdict(int)
        for cell in graph.cells:
            self._cells[cell.evaluation].append(cell)
            self._seeds[cell.intermediate, cell.target] += cell.evaluation not in self._missing
        self._chosen: dict[str, Node] = {}

    def within(self, hours: float) -> list[Node]:
        """See `affordable`."""
        heap = [(-self._worth(key), place, key) for place, key in enumerate(self._missing)]
        heap = [entry for entry in heap if entry[2] in self._cells]
        heapq.heapify(heap)
        left = hours
        while heap:
            worth, place, key = heapq.heappop(heap)
            now = -self._worth(key)
            # Worths change as seeds are chosen and parents are paid for by others.
            if now > worth + 1e-12:
                heapq.heappush(heap, (now, place, key))
                continue
            path = self._path(key)
            cost = sum(self._hours[node.key] for node in path)
            if cost > left:
                continue
            left -= cost
            for node in reversed(path):
                self._chosen[node.key] = node
            for cell in self._cells[key]:
                self._seeds[cell.intermediate, cell.target] += 1
        return list(self._chosen.values())

    def _path(self, key: str) -> list[Node]:
        """The evaluation and what it needs that is still to run, itself first."""
        node = self._missing[key]
        path = [node, *ancestors(self._graph, node)]
        return [n for n in path if n.key in self._missing and n.key not in self._chosen]

    def _worth(self, key: str) -> float:
        """Points of standard error an hour."""
        gains = (
            gain(self._columns[cell.target], self._seeds[cell.intermediate, cell.target])
            for cell in self._cells.get(key, ())
        )
        cost = sum(self._hours[node.key] for node in self._path(key))
        return sum(gains) / max(cost, 1e-9)


def _score(cell: Cell, outcomes: Mapping[str, Outcome]) -> float | None:
    outcome = outcomes.get(cell.evaluation)
    if outcome is None or not outcome.done:
        return None
    found = [outcome.scores[task] for task in cell.evaluate if task in outcome.scores]
    return fmean(found) if found else None
