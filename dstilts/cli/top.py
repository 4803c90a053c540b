"""`dstilts top`: a live look at the runs below a folder, from another terminal."""

import sys
import time
from pathlib import Path
from typing import Any

from dstilts.cli.parser import add_command, count

_EVERY = 2  # seconds


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "top",
        "watch runs: state, step, loss, speed, memory, time left, heartbeats; Ctrl-C ends it",
        "dstilts top runs/quickstart\n  dstilts top runs --once",
        run,
    )
    parser.add_argument("runs", type=Path, metavar="RUNS_DIR", help="a folder of runs, or one run")
    parser.add_argument("--once", action="store_true", help="print plain text once")
    parser.add_argument(
        "--every",
        type=count,
        metavar="SECONDS",
        help=f"between two looks (default: {_EVERY} on a terminal; elsewhere it looks once)",
    )


def run(runs: Path, once: bool, every: int | None) -> None:
    """Shows the runs, newest first, until it is interrupted; on a terminal in one place.

    Raises:
        UserError: no such folder.
    """
    is_terminal = sys.stdout.isatty() and not once
    if not is_terminal:
        _print(runs)
        if once or every is None:
            return
    try:
        if is_terminal:
            _watch(runs, every or _EVERY)
        while every is not None:
            time.sleep(every)
            print()
            _print(runs)
    except KeyboardInterrupt:
        return  # how a live view is left, and no failure


def _watch(runs: Path, every: int) -> None:
    from rich.console import Console
    from rich.live import Live

    from dstilts.reporting.live import live_runs
    from dstilts.reporting.live_table import rich_table

    now = time.time()
    table = rich_table(live_runs(runs, now), runs, now)
    with Live(table, console=Console(), auto_refresh=False) as live:
        while True:
            live.refresh()
            time.sleep(every)
            now = time.time()
            live.update(rich_table(live_runs(runs, now), runs, now))


def _print(runs: Path) -> None:
    from dstilts.reporting.live import live_runs
    from dstilts.reporting.live_table import plain_text

    now = time.time()
    print(plain_text(live_runs(runs, now), runs, now), flush=True)
