"""Ranks that train nothing, to be stopped, killed or stuck: `... hang_worker FOLDER MINUTES MODE`.

They exchange a number in every step under a watchdog, as training does.
"""

import os
import signal
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from dstilts.core.errors import RunError
from dstilts.core.process_group import ProcessGroup, launched_ranks
from dstilts.engine.diagnosis import explain
from dstilts.engine.watchdog import Watchdog

# What the last rank does at this step.
STEP = 5


def main(folder: Path, minutes: float, mode: str) -> None:
    """Takes steps for ever, unless something happens."""
    group = launched_ranks()
    dist.init_process_group("gloo", timeout=timedelta(minutes=minutes))
    try:
        with Watchdog(folder, group, minutes) as watchdog:
            try:
                take_steps(group, watchdog, mode)
            except RuntimeError as error:
                reason = explain(error, folder, group)
                raise RunError(reason) from error
    except RunError as error:
        print(f"dstilts failed: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


def take_steps(group: ProcessGroup, watchdog: Watchdog, mode: str) -> None:
    """Steps with one collective each."""
    step = 0
    while True:
        watchdog.at("forward", step)
        if step == STEP and group.rank == group.world_size - 1:
            misbehave(mode)
        watchdog.at("backward", step)
        dist.all_reduce(torch.ones(1000))
        time.sleep(0.02)
        step += 1


def misbehave(mode: str) -> None:
    """What a rank may do that the others do not expect."""
    match mode:
        case "sleep":
            threading.Event().wait()
        case "barrier":
            dist.barrier()
        case "fail":
            raise ValueError("row 7 is broken")
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("--local_rank")]
    main(Path(words[0]), float(words[1]), words[2])
