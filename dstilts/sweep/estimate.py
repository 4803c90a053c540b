"""What nodes will cost, from what others have cost: measured seconds times devices, as hours."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from dstilts.core.digest import short_key
from dstilts.sweep.graph import Graph, Node, PhaseNode, substance
from dstilts.sweep.state import Outcome


@dataclass(frozen=True)
class Cost:
    """Core-hours or GPU-hours of one node.

    Attributes:
        rough: measured of other work of the same kind, not of the same work.
    """

    hours: float
    device: str
    rough: bool


class CostBook:
    """Estimates by what was measured of the same work, or else of the same kind of work.

    The same work is a phase with the same configuration but for seed and parent, or an evaluation
    on the same data; where the grid has changed since, nodes of the same title count.
    """

    def __init__(self, graph: Graph, outcomes: Mapping[str, Outcome]) -> None:
        self._works: dict[object, str] = {}
        self._costs: dict[tuple[str, bool], Cost] = {}
        done = [o for o in outcomes.values() if o.done and o.seconds > 0]
        self._same: dict[str, list[Outcome]] = {}
        self._kind: dict[str, list[Outcome]] = {}
        for outcome in done:
            self._kind.setdefault(_kind_of_title(outcome.title), []).append(outcome)
            node = graph.by_key.get(outcome.key)
            work = _plain(outcome.title) if node is None else self._work(node)
            self._same.setdefault(work, []).append(outcome)

    def cost(self, node: Node) -> Cost | None:
        """The expected cost of a node; None where nothing like it was measured."""
        for name in (self._work(node), _plain(node.title)):
            if name in self._same:
                return self._cost(name, self._same, rough=False)
        kind = _kind_of_title(node.title)
        return self._cost(kind, self._kind, rough=True) if kind in self._kind else None

    def _cost(self, name: str, measured: Mapping[str, list[Outcome]], *, rough: bool) -> Cost:
        if (name, rough) not in self._costs:
            self._costs[name, rough] = _cost(measured[name], rough=rough)
        return self._costs[name, rough]

    def _work(self, node: Node) -> str:
        if not isinstance(node, PhaseNode):
            return node.parts.data
        phase = node.phase
        # Thousands of nodes share few configurations, and a digest of one is not for nothing.
        place = (phase.name, phase.tasks, phase.schedule, phase.batch, phase.engine)
        if place not in self._works:
            table = {k: v for k, v in substance(phase).items() if k not in ("seed", "role")}
            self._works[place] = short_key(table)
        return self._works[place]


def total(costs: Iterable[Cost | None]) -> tuple[dict[str, float], int]:
    """Hours by device, and the number of nodes whose cost is not known."""
    hours: dict[str, float] = {}
    unknown = 0
    for cost in costs:
        if cost is None:
            unknown += 1
        else:
            hours[cost.device] = hours.get(cost.device, 0.0) + cost.hours
    return hours, unknown


def hours_text(hours: Mapping[str, float], unknown: int = 0) -> str:
    """Hours by device in words."""
    names = {"cpu": "core-hours", "cuda": "GPU-hours"}
    parts = [f"{value:.2f} {names.get(device, device)}" for device, value in hours.items()]
    if unknown:
        parts.append(f"{unknown} of unknown cost")
    return ", ".join(parts) or "nothing"


def _cost(found: list[Outcome], *, rough: bool) -> Cost:
    device = found[-1].device
    hours = [o.seconds * o.devices / 3600 for o in found if o.device == device]
    return Cost(median(hours), device, rough)


def _plain(title: str) -> str:
    """A title without its seed."""
    return re.sub(r", seed \d+$", "", title)


def _kind_of_title(title: str) -> str:
    return "evaluation" if title.startswith("evaluate ") else "phase"
