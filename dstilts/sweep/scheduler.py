"""Runs a grid on this machine: a worker in each slot until every node is done or given up."""

import contextlib
import dataclasses
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dstilts.core.errors import IncompleteError, RunError, UserError
from dstilts.core.logs import duration, log
from dstilts.sweep.claims import Claims
from dstilts.sweep.drivers import driver_file
from dstilts.sweep.graph import Graph, Node, PhaseNode
from dstilts.sweep.grid import Grid
from dstilts.sweep.kept_grids import Chosen, keep_grid
from dstilts.sweep.local import Launch, Slot, slots_at_hand
from dstilts.sweep.prepare import prepare
from dstilts.sweep.state import RunsState
from dstilts.sweep.worker import SAYS, Kind, is_given_up

_POLL_SECONDS = 0.1
# Workers that end in the middle of their work, one after another without a node done in between.
_DEATHS = 5


def run_grid(
    grid: Grid,
    runs: Path,
    slots: tuple[Slot, ...] | None = None,
    nodes: tuple[str, ...] = (),
) -> bool:
    """Trains and evaluates what of `grid` is missing below `runs`; whether there was anything.

    What is there stays. Several drivers may work on one folder, here or on other machines.

    Args:
        slots: by default all that this machine has.
        nodes: the keys of those to run; empty: all.

    Raises:
        UserError: a mistake in the grid or its data.
        IncompleteError: nodes failed; everything that does not need them has been run.
        KeyboardInterrupt: told to stop; what was under way is saved.
    """
    graph = prepare(grid, runs).only(nodes)
    with driver_file(runs, grid.name):
        return _Driver(graph, grid, runs, slots or slots_at_hand(), nodes).run()


class _Driver:
    """Starts workers, passes on what they say, and sums up."""

    def __init__(
        self, graph: Graph, grid: Grid, runs: Path, slots: tuple[Slot, ...], nodes: tuple[str, ...]
    ) -> None:
        self._graph = graph
        self._grid = grid
        self._runs = runs
        self._slots = slots
        self._state = RunsState(runs)
        self._claims = Claims(runs)
        self._since = time.time()
        self._num_done = 0
        self._deaths = 0
        self._mistake: str | None = None
        self._file = keep_grid(Chosen(grid, nodes), runs)

    def run(self) -> bool:
        """See `run_grid`."""
        missing = self._state.missing(self._graph)
        total = len(self._graph.nodes)
        log(f"nodes: {total}, of which {total - len(missing)} are done already")
        if missing:
            self._work(len(missing))
        self._tidy()
        sum_up(self._graph, self._state)
        return bool(missing)

    def _work(self, num_missing: int) -> None:
        begin = time.monotonic()
        launches: dict[Slot, Launch] = {}
        shown = 0
        with _stopping() as received:
            try:
                while not received:
                    self._start(launches)
                    if not launches:
                        break
                    time.sleep(_POLL_SECONDS)
                    self._end(launches)
                    if self._num_done > shown:
                        shown = self._num_done
                        seconds = (time.monotonic() - begin) / shown * max(0, num_missing - shown)
                        log(f"{shown} of {num_missing} nodes done, {duration(seconds)} left")
            finally:
                for launch in launches.values():
                    launch.tell(signal.SIGTERM)
                for launch in launches.values():
                    launch.stop()
        if received:
            self._tidy()
            raise KeyboardInterrupt

    def _start(self, launches: dict[Slot, Launch]) -> None:
        """A worker in each free slot, as long as there is something for it."""
        free = [slot for slot in self._slots if slot not in launches]
        open_nodes = self._open_nodes() if free else []
        # Each slot that works may take one of them.
        for slot in free[: max(0, len(open_nodes) - len(launches))]:
            kind = _kind(slot, open_nodes)
            words = ["sweep", "work", str(self._file), f"--kind={kind}", f"--since={self._since}"]
            ranks = slot.ranks
            if kind == "evaluations":
                # One process, which shares the shards among as many as train together.
                words.append(f"--workers={ranks}")
                ranks = 1
            log_file = self._runs / "logs" / f"slot-{slot.number}.log"
            place = dataclasses.replace(slot, ranks=ranks)
            launches[slot] = Launch(place, words, log_file, self._hear)

    def _end(self, launches: dict[Slot, Launch]) -> None:
        for slot, launch in list(launches.items()):
            code = launch.code()
            if code is None:
                continue
            launch.stop()
            del launches[slot]
            if code != 0:
                self._deaths += 1
                if launch.mistake and code == 2:
                    raise UserError(launch.mistake)
                log(f"a worker ended with exit code {code}; its log: logs/slot-{slot.number}.log")
                if self._deaths >= _DEATHS:
                    raise RunError(
                        f"workers end one after another; the last with exit code {code}: "
                        f"{self._runs}/logs/slot-{slot.number}.log"
                    )

    def _hear(self, line: str) -> None:
        said = line.split(" ", 1)[-1]
        if said.startswith(SAYS):
            if " done in " in said:
                self._num_done += 1
                self._deaths = 0
            log(said.removeprefix(SAYS).rstrip())
        elif len(self._slots) == 1:
            print(line, end="", file=sys.stderr, flush=True)

    def _open_nodes(self) -> list[Node]:
        """Missing nodes that nobody gave up, nor one that they need."""
        closed: set[str] = set()
        found: list[Node] = []
        for node in self._state.missing(self._graph):
            given_up = is_given_up(self._state.outcome(node), self._since)
            if given_up or node.needs in closed:
                closed.add(node.key)
            else:
                found.append(node)
        return found

    def _tidy(self) -> None:
        """Removes the claims of processes that were killed."""
        for key in self._claims.left_behind():
            if (claim := self._claims.take(key)) is not None:
                claim.release()


def sum_up(graph: Graph, state: RunsState) -> None:
    """Says what is missing after all was tried.

    Raises:
        UserError: all that failed did so over a mistake of the user.
        IncompleteError: something failed; the message has the first reasons.
    """
    missing = state.missing(graph)
    if not missing:
        return
    outcomes = [state.outcome(node) for node in missing]
    failed = [outcome for outcome in outcomes if outcome.failures]
    words = "; ".join(f"{o.title}: {o.failures[-1].reason}" for o in failed[:3])
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    blocked = len(missing) - len(failed)
    message = f"{len(failed)} nodes failed, {blocked} that need them were not run: {words}{more}"
    if failed and all(outcome.failures[-1].mistake for outcome in failed):
        raise UserError(message)
    raise IncompleteError(message)


def _kind(slot: Slot, nodes: list[Node]) -> Kind:
    """Several ranks train together; evaluations have no use for a launcher."""
    if slot.ranks == 1:
        return "all"
    return "phases" if any(isinstance(node, PhaseNode) for node in nodes) else "evaluations"


@contextlib.contextmanager
def _stopping() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM instead of ending this process."""
    received: list[int] = []
    names = (signal.SIGINT, signal.SIGTERM)
    old = {
        name: signal.signal(name, lambda number, frame: received.append(number)) for name in names
    }
    try:
        yield received
    finally:
        for name, handler in old.items():
            signal.signal(name, handler)
