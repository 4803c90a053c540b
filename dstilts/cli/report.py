"""`dstilts report`: the tables of a folder of runs, on the terminal and as pages."""

from pathlib import Path
from typing import Any

from dstilts.cli.parser import add_command
from dstilts.core.logs import log


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "report",
        "rebuild tables and pages from the records of a folder of runs",
        "dstilts report runs/quickstart",
        run,
    )
    parser.add_argument("runs", type=Path, metavar="RUNS_DIR", help="the folder with records/")
    parser.add_argument(
        "--output", type=Path, help="where report.html and report.md go (default: RUNS_DIR)"
    )


def run(runs: Path, output: Path | None) -> None:
    """Writes the pages and prints the grid."""
    from dstilts.reporting.report import print_report, write_report

    page = write_report(runs, output)
    print_report(runs)
    log(f"report: {page}")
