"""A folder of runs in, its report out: a page, tables in other forms, a table on the terminal."""

from pathlib import Path

from rich.console import Console

from dstilts.core.files import write_text
from dstilts.reporting.board import write_board
from dstilts.reporting.changes import find_changes
from dstilts.reporting.collect import collect_records
from dstilts.reporting.contents import gather
from dstilts.reporting.csv_files import EFFECTS, SCORES, effects_csv, scores_csv
from dstilts.reporting.latex import to_latex
from dstilts.reporting.markdown import to_markdown
from dstilts.reporting.page import to_page
from dstilts.reporting.phases import collect_phases
from dstilts.reporting.tables import build_sections
from dstilts.reporting.terminal import print_sections

PAGE = "report.html"


def write_report(runs: Path, output: Path | None = None, since: Path | None = None) -> Path:
    """Writes the report in all its forms and returns the page's path.

    report.html, report.md, report.tex, scores.csv and effects.csv, each in one atomic step after
    all of them were made, the page last; and tensorboard/report. The same records give the same
    bytes (of all but TensorBoard's).

    Args:
        runs: the folder below which the records are.
        output: the folder to write to; `runs` where it is not given.
        since: the folder or scores.csv of an earlier report, to say what changed.

    Raises:
        UserError: no records, or a broken record or manifest; nothing has been written then.
    """
    report = gather(runs)
    folder = runs if output is None else output
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


def print_report(runs: Path) -> None:
    """Prints the grid of every section below `runs` on standard output.

    Raises:
        UserError: no records, or a broken record or manifest.
    """
    print_sections(build_sections(collect_records(runs), collect_phases(runs)), Console())
