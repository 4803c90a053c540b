"""What a grid does now: its nodes by state, those at work with their steps, those that failed."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.core.logs import duration, read_last_events
from dstilts.sweep.claims import Claims, Holder
from dstilts.sweep.drivers import DriverInfo, drivers
from dstilts.sweep.estimate import CostBook, hours_text, total
from dstilts.sweep.graph import Graph, Node, PhaseNode
from dstilts.sweep.kept_grids import kept_grids
from dstilts.sweep.prepare import prepare
from dstilts.sweep.state import RunsState

_EVENTS_END = 4096  # bytes of a run's events that are read for its last step
_SHOWN = 20  # nodes that failed, each on a line


@dataclass(frozen=True)
class Running:
    """A node at work."""

    node: Node
    holder: Holder
    progress: str  # in words; empty where it does not say


@dataclass(frozen=True)
class Status:
    """One grid at one time.

    Attributes:
        counts: nodes by state: done, running, ready, waiting, failed.
        failed: nodes with the reason of their last attempt.
        spent: core- or GPU-hours of what is done, in words; `left` of what is to run.
    """

    name: str
    counts: Counter[str]
    running: tuple[Running, ...]
    failed: tuple[tuple[Node, str], ...]
    drivers: tuple[DriverInfo, ...]
    spent: str
    left: str

    @property
    def total(self) -> int:
        """The number of nodes."""
        return self.counts.total()


def grid_statuses(runs: Path) -> list[Status]:
    """The status of each grid that was run in a folder.

    Raises:
        UserError: none was.
    """
    at_work = drivers(runs)
    return [
        grid_status(
            chosen.grid.name,
            prepare(chosen.grid, runs).only(chosen.nodes),
            runs,
            [driver for driver in at_work if driver.grid == chosen.grid.name],
        )
        for chosen in kept_grids(runs)
    ]


def grid_status(name: str, graph: Graph, runs: Path, at_work: Iterable[DriverInfo]) -> Status:
    """The status of one graph."""
    state = RunsState(runs)
    outcomes, missing = state.outcomes(), state.missing(graph)
    held = dict(Claims(runs).held())
    absent = {node.key for node in missing}
    counts: Counter[str] = Counter(done=len(graph.nodes) - len(missing))
    running, failed = [], []
    for node in missing:
        outcome = outcomes.get(node.key)
        if node.key in held:
            counts["running"] += 1
            running.append(Running(node, held[node.key], _progress(node)))
        elif outcome is not None and outcome.failures:
            counts["failed"] += 1
            failed.append((node, outcome.failures[-1].reason))
        else:
            counts["waiting" if node.needs in absent else "ready"] += 1
    book = CostBook(graph, outcomes)
    done = [outcomes[n.key] for n in graph.nodes if n.key in outcomes and n.key not in absent]
    spent: dict[str, float] = {}
    for outcome in done:
        hours = outcome.seconds * outcome.devices / 3600
        spent[outcome.device] = spent.get(outcome.device, 0.0) + hours
    return Status(
        name=name,
        counts=counts,
        running=tuple(running),
        failed=tuple(failed),
        drivers=tuple(at_work),
        spent=hours_text(spent),
        left=hours_text(*total(book.cost(node) for node in missing)),
    )


def status_text(status: Status, now: float | None = None) -> list[str]:
    """A status as lines."""
    now = time.time() if now is None else now
    names = ("done", "running", "ready", "waiting", "failed")
    counts = ", ".join(f"{status.counts[name]} {name}" for name in names if status.counts[name])
    lines = [f"{status.name}: {status.total} nodes: {counts}"]
    lines.append(f"  spent {status.spent}; left {status.left}")
    for driver in status.drivers:
        age = duration(now - driver.since)
        lines.append(f"  driver: process {driver.pid} on {driver.host}, since {age}")
    if not status.drivers and status.counts["done"] < status.total:
        lines.append("  no driver is at work")
    for each in status.running:
        age = duration(now - each.holder.since)
        where = f"job {each.holder.job}" if each.holder.job else f"process {each.holder.pid}"
        progress = f"; {each.progress}" if each.progress else ""
        lines.append(f"  running {each.node.title}: {age} on {each.holder.host}, {where}{progress}")
    for node, reason in status.failed[:_SHOWN]:
        lines.append(f"  failed  {node.title}: {reason}")
    if len(status.failed) > _SHOWN:
        lines.append(f"  and {len(status.failed) - _SHOWN} more that failed")
    return lines


def _progress(node: Node) -> str:
    """The last step that a phase has said."""
    if not isinstance(node, PhaseNode):
        return ""
    events = node.phase.run_folder / "events.jsonl"
    try:
        found = read_last_events(events, _EVENTS_END) if events.is_file() else []
    except (OSError, UserError):
        return ""
    steps = [event for event in found if event.get("event") == "train"]
    if not steps:
        return ""
    last = steps[-1]
    return f"step {last.get('step')}, loss {last.get('loss')}"
