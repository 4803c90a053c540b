"""The outcome of a study as files: a page, Markdown, JSON and the figure."""

from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dstilts import reporting
from dstilts.core.files import write_json, write_text
from dstilts.studies.figure import standalone
from dstilts.studies.result import StudyResult, to_json, to_markdown


def write_result(result: StudyResult, folder: Path) -> Path:
    """Writes report.html, answer.md, result.json and figure.svg; returns the page's path.

    The same result gives the same bytes.
    """
    write_text(folder / "figure.svg", standalone(result.figure))
    write_text(folder / "answer.md", to_markdown(result))
    write_json(folder / "result.json", to_json(result))
    write_text(folder / "report.html", to_page(result))
    return folder / "report.html"


def to_page(result: StudyResult) -> str:
    """One self-contained page in the look of the grid's report."""
    here, css = Path(__file__).parent, Path(reporting.__file__).parent / "templates"
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(here), FileSystemLoader(css)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The figure is made here, of numbers and escaped words; all else is escaped by the template.
    figure = Markup(result.figure)
    return environment.get_template("study.jinja").render(result=result, figure=figure)
