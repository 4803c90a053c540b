"""Works through a grid: takes what is ready and nobody else holds, until nothing is left.

One process, or all ranks of a launch, that runs many nodes: starting Python, torch and DeepSpeed
costs more than a small phase. Any number of workers share a folder of runs; the claims alone keep
them apart.
"""

import os
import signal
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

from dstilts.core.errors import RunError, UserError
from dstilts.core.logs import duration, log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.preemption import SIGNALS, Preempted
from dstilts.sweep.claims import Claim, Claims
from dstilts.sweep.graph import Graph, Node, PhaseNode
from dstilts.sweep.grid import Grid
from dstilts.sweep.node import remove_folder, run_evaluation, run_phase
from dstilts.sweep.state import Outcome, RunsState

if TYPE_CHECKING:
    from dstilts.evaluation.executors import Workers
    from dstilts.evaluation.models import ModelShelf

Kind = Literal["phases", "evaluations", "all"]

ATTEMPTS = 3  # at a node, of one driver
_POLL_SECONDS = 0.2
SAYS = "sweep: "  # begins the lines that the driver passes on


class Queue:
    """The nodes that this worker may take, and what became of the others.

    Args:
        since: failures before this time (seconds since 1970) do not count: a driver that is started
            again tries everything again.
    """

    def __init__(self, nodes: Sequence[Node], state: RunsState, claims: Claims, since: float):
        self._open = {node.key: node for node in nodes}
        self._state = state
        self._claims = claims
        self._since = since

    def take(self, is_mine: "Kind") -> tuple[Node, Claim] | None:
        """The first node that is ready and free, claimed; None where there is none now."""
        for node in list(self._open.values()):
            if node.needs in self._open:
                continue
            if self._state.is_done(node):
                del self._open[node.key]
            elif _is_of(node, is_mine):
                claim = self._claims.take(node.key)
                if claim is not None:
                    if self._may_run(node, claim):
                        return node, claim
                    claim.release()
        return None

    def waits_for(self, is_mine: "Kind") -> bool:
        """Whether a node is left that may become this worker's."""
        given_up = self._given_up()
        return any(
            _is_of(node, is_mine) and not _is_blocked(node, self._open, given_up)
            for node in self._open.values()
        )

    def _may_run(self, node: Node, claim: Claim) -> bool:
        """Looks again now that the node is ours: another worker may just have ended with it."""
        if self._state.is_done(node):
            del self._open[node.key]
            return False
        if claim.lost is not None:
            lost = claim.lost
            self._state.fail(node, f"process {lost.pid} on {lost.host} ended in the middle of it")
        return not is_given_up(self._state.outcome(node), self._since)

    def _given_up(self) -> set[str]:
        return {
            key
            for key, node in self._open.items()
            if is_given_up(self._state.outcome(node), self._since)
        }


def is_given_up(outcome: Outcome, since: float) -> bool:
    """Whether a node failed too often, or for a reason that another attempt would not change."""
    recent = [failure for failure in outcome.failures if failure.time >= since]
    return len(recent) >= ATTEMPTS or any(failure.mistake for failure in recent)


def _is_of(node: Node, kind: Kind) -> bool:
    return kind == "all" or isinstance(node, PhaseNode) == (kind == "phases")


def _is_blocked(node: Node, nodes: dict[str, Node], given_up: set[str]) -> bool:
    """Whether a node, or one on the way to it, was given up."""
    if node.key in given_up:
        return True
    parent = nodes.get(node.needs) if node.needs else None
    return parent is not None and _is_blocked(parent, nodes, given_up)


def work(
    grid: Grid,
    graph: Graph,
    runs: Path,
    group: ProcessGroup,
    kind: Kind,
    since: float,
    workers: int = 1,
) -> None:
    """Runs nodes until none is left for this worker; waits while others hold what its own need.

    Args:
        group: the ranks that train together; one alone may evaluate.
        workers: processes that an evaluation's shards are shared among.

    Raises:
        Preempted: told to stop; what was under way is saved.
        RunError: a phase failed on several ranks, which then no longer agree: the next worker goes
            on.
    """
    from dstilts.engine.setup import start_processes
    from dstilts.evaluation.executors import open_executor
    from dstilts.evaluation.models import ModelShelf

    state = RunsState(runs)
    queue = Queue(state.missing(graph), state, Claims(runs), since)
    if group.world_size > 1:
        start_processes(group, grid.engine.timeout_minutes)
    _stop_on_signals()
    parent = os.getppid()
    shelf = ModelShelf()
    with open_executor(workers) as executor:
        while True:
            taken = queue.take(kind) if group.is_main and os.getppid() == parent else None
            key = group.broadcast(taken[0].key if taken else None)
            if key is None:
                left = os.getppid() == parent and queue.waits_for(kind)
                if not group.broadcast(left):
                    return
                time.sleep(_POLL_SECONDS)
                continue
            claim = taken[1] if taken else None
            try:
                _run(graph.by_key[key], grid, state, group, executor, shelf)
            finally:
                if claim is not None:
                    claim.release()


def _run(
    node: Node,
    grid: Grid,
    state: RunsState,
    group: ProcessGroup,
    executor: "Workers | None",
    shelf: "ModelShelf",
) -> None:
    """One attempt; what goes wrong is kept with the node, and the worker goes on."""
    begin = time.monotonic()
    try:
        if isinstance(node, PhaseNode):
            if group.is_main and node.phase.output.exists() and not state.is_done(node):
                remove_folder(node.phase.output)  # what a removal left half done
            group.barrier()
            run_phase(node, state, group)
        else:
            run_evaluation(node, grid, state, executor, shelf)
    except Exception as error:
        reason = str(error)
        if not isinstance(error, UserError | RunError):
            traceback.print_exc()
            reason = f"{type(error).__name__}: {error}"
        if group.is_main:
            state.fail(node, reason, mistake=isinstance(error, UserError))
            log(f"{SAYS}{node.title} failed: {reason}")
        if group.world_size > 1:
            raise
        return
    if group.is_main:
        log(f"{SAYS}{node.title} done in {duration(time.monotonic() - begin)}")


def _stop_on_signals() -> None:
    """Between phases and in evaluations a signal ends the worker at once: all is written."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Preempted

    for number in SIGNALS:
        signal.signal(number, stop)
