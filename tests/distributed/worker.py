"""What the launcher starts on every rank: trains phase files one after another.

`python -m tests.distributed.worker [--stop-after=N] PHASE.toml ...`, with or without `deepspeed
--module`. With --stop-after every phase is told to stop after N steps, as by a signal.
"""

import sys
from pathlib import Path

from dstilts.core.config import load_config
from dstilts.core.process_group import launched_ranks
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.preemption import Preempted, StopFlag
from dstilts.engine.train import is_finished, train_on
from tests.distributed.phases import made_up


def main(arguments: list[str]) -> None:
    """Trains every phase on made-up examples."""
    for word in arguments:
        if word.startswith("--stop-after="):
            _stop_after(int(word.partition("=")[2]))
    for path in arguments:
        if path.startswith("--"):
            continue
        config = load_config(PhaseConfig, Path(path))
        if not is_finished(config):
            sets = [made_up(use.task) for use in config.tasks]
            validation = [made_up(use.task, 20) for use in config.tasks if config.early_stop]
            try:
                train_on(config, launched_ranks(), sets, {}, validation)
            except Preempted:
                if "--stop-after" not in " ".join(arguments):
                    raise


def _stop_after(num_steps: int) -> None:
    agreed = StopFlag.agreed
    calls: dict[int, int] = {}

    def stop(flag: StopFlag) -> bool:
        calls[id(flag)] = calls.get(id(flag), 0) + 1
        return agreed(flag) or calls[id(flag)] >= num_steps

    StopFlag.agreed = stop  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1:])
