"""A folder of runs in, its report out: a page, a Markdown file, a table on the terminal."""

from pathlib import Path

from rich.console import Console

from dstilts.core.files import write_text
from dstilts.reporting.collect import collect_records
from dstilts.reporting.markdown import to_markdown
from dstilts.reporting.page import to_page
from dstilts.reporting.phases import collect_phases
from dstilts.reporting.tables import build_sections
from dstilts.reporting.terminal import print_sections


def write_report(runs: Path, output: Path | None = None) -> Path:
    """Writes report.html and report.md, each in one atomic step, and returns the page's path.

    The same records give the same bytes.

    Args:
        runs: the folder below which the records are.
        output: the folder to write to; `runs` where it is not given.

    Raises:
        UserError: no records, or a broken record or manifest; nothing has been written then.
    """
    sections = build_sections(collect_records(runs))
    phases = collect_phases(runs)
    title = f"Zero-shot transfer: {runs.resolve().name}"
    folder = runs if output is None else output
    page = to_page(title, sections, phases, runs=runs, folder=folder)
    text = to_markdown(title, sections, phases)
    write_text(folder / "report.md", text)
    write_text(folder / "report.html", page)
    return folder / "report.html"


def print_report(runs: Path) -> None:
    """Prints the grid of every section below `runs` on standard output.

    Raises:
        UserError: no records, or a broken record.
    """
    print_sections(build_sections(collect_records(runs)), Console())
