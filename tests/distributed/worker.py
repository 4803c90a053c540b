"""What the launcher starts on every rank: trains phase files one after another.

`python -m tests.distributed.worker PHASE.toml ...`, with or without `deepspeed --module`.
"""

import sys
from pathlib import Path

from dstilts.core.config import load_config
from dstilts.core.process_group import launched_ranks
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.train import is_finished, train_on
from tests.distributed.phases import made_up


def main(arguments: list[str]) -> None:
    """Trains every phase on made-up examples."""
    for path in arguments:
        if path.startswith("--local_rank"):
            continue
        config = load_config(PhaseConfig, Path(path))
        if not is_finished(config):
            sets = [made_up(use.task) for use in config.tasks]
            train_on(config, launched_ranks(), sets, {})


if __name__ == "__main__":
    main(sys.argv[1:])
