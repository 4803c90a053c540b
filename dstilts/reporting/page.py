"""The report as one HTML page that needs nothing beside itself: no network, no script, no font."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dstilts.reporting import curves, text
from dstilts.reporting.changes import Changes, change_tables, summary
from dstilts.reporting.collect import Record
from dstilts.reporting.contents import Part, Report
from dstilts.reporting.effect_table import interval
from dstilts.reporting.grid import example_range, gap_columns, gap_table, metric_tables
from dstilts.reporting.notes import caveats, column_facts, highlights, limits, run_facts, versions
from dstilts.reporting.phases import deviations
from dstilts.reporting.reproduce import commands
from dstilts.reporting.tables import Column, language_name

MANY_BOXES = 1500  # of all heat maps; more of them are folded, but for the first


@dataclass(frozen=True)
class RecordGroup:
    """The records of one model on one column: files of one folder, and how to make them again."""

    title: str
    seed: int | None
    folder: str
    key: str
    records: tuple[Record, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Drawing:
    """A panel of learning curves as SVG."""

    panel: curves.Panel
    svg: Markup


def to_page(report: Report, changes: Changes | None = None, *, folder: Path) -> str:
    """The whole page as HTML.

    Args:
        folder: where the page will stand; links to records are relative to it.
    """
    groups = {part.slug: _record_groups(part, report) for part in report.parts}
    all_groups = [
        one for by_column in groups.values() for found in by_column.values() for one in found
    ]
    files = [record.file for group in all_groups for record in group.records]
    panels = curves.panels(report.phases)
    order = curves.labels(panels)
    environment = _environment()
    environment.globals.update(
        anchors={file: f"r{index}" for index, file in enumerate(files, 1)},
        link=_linker(report.runs, folder),
    )
    return environment.get_template("page.jinja").render(
        report=report,
        records=groups,
        drawings=[Drawing(panel, Markup(curves.draw(panel, order))) for panel in panels],
        curve_styles=[(label, *curves.style(label, order)) for label in order],
        changes=changes,
        fold_maps=_num_boxes(report) > MANY_BOXES,
    )


def _num_boxes(report: Report) -> int:
    maps = (heatmap for part in report.parts for heatmap in part.heatmaps)
    return sum(len(heatmap.chance) * len(heatmap.rows) for heatmap in maps)


def _record_groups(part: Part, report: Report) -> dict[Column, list[RecordGroup]]:
    phases = {phase.key: phase for phase in report.phases}
    found = {}
    for column in part.section.columns:
        groups: dict[tuple[str, str], list[Record]] = {}
        for record in part.section.column_records(column):
            groups.setdefault((record.model_key, record.intermediate), []).append(record)
        found[column] = [
            RecordGroup(
                title=records[0].intermediate,
                seed=records[0].seed,
                folder=records[0].file.rpartition("/")[0],
                key=records[0].model_key,
                records=tuple(records),
                commands=tuple(commands(records, phases)),
            )
            for records in groups.values()
        ]
    return found


def _environment() -> Environment:
    """Jinja with escaping on, unknown names as errors, and the report's way of writing numbers."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for form in (text.score, text.signed, text.spread, text.count, text.plural):
        environment.filters[form.__name__] = form
    environment.filters.update(listing=text.listing, interval=text.interval, ends=interval)
    environment.filters.update(language=language_name, examples=example_range)
    functions: tuple[Callable[..., object], ...] = (
        *(caveats, column_facts, gap_columns, gap_table, highlights, limits, metric_tables),
        *(run_facts, versions, deviations, change_tables, summary),
    )
    environment.globals.update({function.__name__: function for function in functions})
    return environment


def _linker(runs: Path, folder: Path) -> Callable[[str], str]:
    """Turns a file name relative to `runs` into a link that works from a page in `folder`."""
    prefix = Path(os.path.relpath(runs.resolve(), folder.resolve())).as_posix()

    def link(file: str) -> str:
        return quote(file if prefix == "." else f"{prefix}/{file}")

    return link
