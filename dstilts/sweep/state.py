"""What of a graph is done, read from the file system; and the lock that one driver holds."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.sweep.graph import Graph, PhaseNode


def is_done(node: PhaseNode) -> bool:
    """Whether a phase has published its model: the manifest is written last."""
    return (node.phase.output / "manifest.json").is_file()


def missing_phases(graph: Graph) -> tuple[PhaseNode, ...]:
    """The phases that still have to run, in the graph's order."""
    return tuple(node for node in graph.phases if not is_done(node))


@contextlib.contextmanager
def driver_lock(runs: Path) -> Iterator[int]:
    """Holds `runs` for this driver; yields the lock's descriptor, which what it starts inherits.

    The lock lives as long as any process holds the descriptor: a driver that is started again while
    the launch of a killed one still trains is turned away, and nothing is computed twice.

    Raises:
        UserError: another driver, or a launch it left behind, works on `runs`.
    """
    runs.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(runs / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip()
            raise UserError(
                f"another run works on {runs} (started by process {holder or 'unknown'})",
                remedy="wait for it, or end its processes",
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield descriptor
    finally:
        os.close(descriptor)
