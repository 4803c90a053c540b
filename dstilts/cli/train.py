"""`dstilts train`: one phase or several in turn, on every rank that a launcher started."""

import argparse
from pathlib import Path
from typing import Any

from dstilts.cli.parser import add_command

EXAMPLE = (
    "deepspeed --module dstilts train nli.toml\n"
    "  deepspeed --hostfile hosts --module dstilts train nli.toml schedule.learning_rate=3e-5"
)


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands, "train", "train one phase, or several one after another", EXAMPLE, run
    )
    parser.add_argument(
        "words",
        nargs="+",
        metavar="PHASE.toml | key=value",
        help="phase files, and keys of all of them to set otherwise than the files do",
    )


def run(words: list[str]) -> int:
    """Trains the phases; returns 75 when a signal asked to stop and a restart goes on."""
    from dstilts.core.config import load_config
    from dstilts.core.process_group import launched_ranks
    from dstilts.engine.phase import PhaseConfig
    from dstilts.engine.train import train_phases

    files = [Path(word) for word in words if "=" not in word]
    overrides = [word for word in words if "=" in word]
    if not files:
        raise argparse.ArgumentTypeError("no phase file")
    phases = [load_config(PhaseConfig, file, overrides) for file in files]
    return train_phases(phases, launched_ranks())
