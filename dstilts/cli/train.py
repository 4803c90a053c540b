"""`dstilts train`: one phase or several in turn, on every rank that a launcher started."""

from pathlib import Path
from typing import Any

from dstilts.cli.parser import add_command
from dstilts.core.errors import UserError

EXAMPLE = (
    "dstilts train nli.toml\n"
    "  deepspeed --module dstilts train nli.toml\n"
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
        metavar="PHASE.toml|key=value",
        help="phase files, and keys of all of them to set otherwise than the files do",
    )


def run(words: list[str]) -> None:
    """Trains the phases in turn; one that a signal stops saves itself and exits with code 75."""
    from dstilts.core.config import load_config
    from dstilts.core.process_group import launched_ranks
    from dstilts.engine.phase import PhaseConfig
    from dstilts.engine.train import train_phase

    files = [Path(word) for word in words if "=" not in word]
    overrides = [word for word in words if "=" in word]
    if not files:
        raise UserError("no phase file", remedy="give one, for example nli.toml")
    # All files are read before the first phase starts: a mistake in the last one costs nothing.
    phases = [load_config(PhaseConfig, file, overrides) for file in files]
    group = launched_ranks()
    for phase in phases:
        train_phase(phase, group)
