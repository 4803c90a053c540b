"""The command `dstilts`: one parser, one place where errors become exit codes."""

import os
import sys
from collections.abc import Sequence

from dstilts import __version__
from dstilts.cli import (
    bench,
    doctor,
    evaluate,
    mine,
    quickstart,
    report,
    score,
    study,
    sweep,
    tasks,
    top,
    train,
)
from dstilts.cli.parser import Parser
from dstilts.core.errors import RunError, UserError

COMMANDS = (
    quickstart,
    train,
    top,
    evaluate,
    mine,
    score,
    sweep,
    study,
    report,
    tasks,
    bench,
    doctor,
)


def run() -> None:
    """The console script: runs the command line of this process and exits with its code."""
    # Standard output may be a pipe that was closed early (`dstilts tasks ls | head`).
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """Runs one command; returns 0, 2 for a mistake of the user (one line), or another code."""
    parser = Parser(
        prog="dstilts",
        description="English intermediate-task training for zero-shot cross-lingual transfer.",
        epilog="example:\n  dstilts quickstart",
    )
    parser.add_argument("--version", action="version", version=f"dstilts {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    try:
        options = vars(parser.parse_args(without_local_rank(arguments)))
        handler = options.pop("handler")
        return handler(**options) or 0
    except UserError as error:
        print(f"dstilts: {error}", file=sys.stderr)
        return 2
    except RunError as error:
        print(f"dstilts failed: {error}", file=sys.stderr)
        return error.exit_code


def without_local_rank(arguments: Sequence[str]) -> list[str]:
    """The arguments without `--local_rank=N`, which the deepspeed launcher puts before ours."""
    return [word for word in arguments if not word.startswith("--local_rank=")]
