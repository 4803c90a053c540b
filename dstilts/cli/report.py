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
        "dstilts report runs/quickstart\n"
        "  dstilts report runs/nightly --output reports/today --since reports/yesterday",
        run,
    )
    parser.add_argument("runs", type=Path, metavar="RUNS_DIR", help="the folder with records/")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="for report.html, .md, .tex, scores.csv, effects.csv, tensorboard/report "
        "(default: RUNS_DIR)",
    )
    parser.add_argument(
        "--since",
        type=Path,
        metavar="OLD",
        help="an earlier report's folder or scores.csv: the page says what changed",
    )


def run(runs: Path, output: Path | None, since: Path | None = None) -> None:
    """Writes the pages and prints the grid."""
    from dstilts.reporting.contents import gather
    from dstilts.reporting.report import print_report, write_report

    report = gather(runs)
    page = write_report(report, output, since)
    print_report(report)
    log(f"report: {page}")
