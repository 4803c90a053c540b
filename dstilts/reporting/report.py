"""A report's files: a page, tables in other forms; and its grid on the terminal."""

from pathlib import Path

from rich.console import Console

from dstilts.core.files import write_text
from dstilts.reporting.board import write_board
from dstilts.reporting.changes import find_changes
from dstilts.reporting.contents import Report
from dstilts.reporting.csv_files import EFFECTS, SCORES, effects_csv, scores_csv
from dstilts.reporting.latex import to_latex
from dstilts.reporting.markdown import to_markdown
from dstilts.reporting.page import to_page
from dstilts.reporting.terminal import print_sections

PAGE = "report.html"


def write_report(report: Report, output: Path | None = None, since: Path | None = None) -> Path:
    """Writes the report in all its forms and returns the page's path.

    report.html, report.md, report.tex, scores.csv and effects.csv, each in one atomic step after
    all of them were made, the page last; and tensorboard/report. The same records give the same
    bytes (of all but TensorBoard's).

    Args:
        output: the folder to write to; that of the runs where it is not given.
        since: the folder or scores.csv of an earlier report, to say what changed.

    Raises:
        UserError: `since` is no report; nothing has been written then.
    """
    folder = report.runs if output is None else output
    scores = scores_csv([part.section for part in report.parts])
    changes = find_changes(since, scores, folder) if since else None
    texts = {
        SCORES: scores,
        EFFECTS: effects_csv(report.parts),
        "report.tex": to_latex(report),
        "report.md": to_markdown(report, changes),
        PAGE: to_page(report, changes, folder=folder),
    }
    write_board(report, folder / "tensorboard" / "report")
    for name, text in texts.items():
        write_text(folder / name, text)
    return folder / PAGE


def print_report(report: Report) -> None:
    """Prints the grid of every section on standard output."""
    sections = [part.section for part in report.parts]
    print_sections(sections, Console(), [part.effects for part in report.parts])
