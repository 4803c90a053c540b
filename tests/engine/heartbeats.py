"""Made-up heartbeats for tests."""

import os
import socket

from dstilts.engine.heartbeat import Heartbeat

NOW = 1_800_000_000.0


def beat(rank: int, **changed: object) -> Heartbeat:
    """A rank that wrote a second ago, and is in the forward pass of step 120."""
    values: dict[str, object] = {
        "rank": rank,
        "host": "elsewhere",
        "pid": 100 + rank,
        "every": 5.0,
        "time": NOW - 1,
        "step": 120,
        "place": "forward",
        "since": NOW - 600,
        "collective": None,
        "code": None,
        "memory_gib": 3.0,
        "free_gib": 9.0,
        "memory_kills": 0,
    }
    return Heartbeat(**{**values, **changed})


def here(rank: int, **changed: object) -> Heartbeat:
    """A rank of this host; its process is this one."""
    return beat(rank, **{"host": socket.gethostname(), "pid": os.getpid(), **changed})
