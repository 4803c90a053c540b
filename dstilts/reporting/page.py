"""The report as one HTML page that needs nothing beside itself: no network, no script, no font."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dstilts.reporting import text
from dstilts.reporting.collect import Record
from dstilts.reporting.grid import (
    GridRow,
    build_grid,
    example_range,
    gap_columns,
    gap_table,
    metric_tables,
)
from dstilts.reporting.heatmap import HeatMap, build_heatmap
from dstilts.reporting.notes import caveats, column_facts, highlights, run_facts, versions
from dstilts.reporting.phases import PhaseCost, deviations
from dstilts.reporting.tables import Column, Section, language_name


@dataclass(frozen=True)
class RecordGroup:
    """The records of one model on one column: files of one folder."""

    title: str
    seed: int | None
    folder: str
    key: str
    records: tuple[Record, ...]


@dataclass(frozen=True)
class SectionView:
    """A section with everything the page shows of it."""

    section: Section
    slug: str
    grid: list[GridRow]
    heatmaps: list[HeatMap]
    records: dict[Column, list[RecordGroup]]


def to_page(
    title: str,
    sections: Sequence[Section],
    phases: list[PhaseCost],
    *,
    runs: Path,
    folder: Path,
) -> str:
    """The whole page as HTML.

    Args:
        runs: the folder that the records' file names are relative to.
        folder: where the page will stand; links to records are relative to it.
    """
    views = [_view(section, f"s{index}") for index, section in enumerate(sections, 1)]
    groups = [group for view in views for found in view.records.values() for group in found]
    files = [record.file for group in groups for record in group.records]
    environment = _environment()
    environment.globals.update(
        anchors={file: f"r{index}" for index, file in enumerate(files, 1)},
        link=_linker(runs, folder),
    )
    return environment.get_template("page.jinja").render(title=title, views=views, phases=phases)


def _view(section: Section, slug: str) -> SectionView:
    return SectionView(
        section=section,
        slug=slug,
        grid=build_grid(section),
        heatmaps=[build_heatmap(section, column) for column in section.columns],
        records={column: _record_groups(section, column) for column in section.columns},
    )


def _record_groups(section: Section, column: Column) -> list[RecordGroup]:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in section.column_records(column):
        groups.setdefault((record.model_key, record.intermediate), []).append(record)
    return [
        RecordGroup(
            title=records[0].intermediate,
            seed=records[0].seed,
            folder=records[0].file.rpartition("/")[0],
            key=records[0].model_key,
            records=tuple(records),
        )
        for records in groups.values()
    ]


def _environment() -> Environment:
    """Jinja with escaping on, unknown names as errors, and the report's way of writing numbers."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for form in (
        text.score,
        text.signed,
        text.spread,
        text.count,
        text.magnitude,
        text.seconds,
        text.plural,
    ):
        environment.filters[form.__name__] = form
    environment.filters.update(listing=text.listing, interval=text.interval)
    environment.filters.update(language=language_name, examples=example_range)
    functions: tuple[Callable[..., object], ...] = (
        *(caveats, column_facts, gap_columns, gap_table, highlights, metric_tables),
        *(run_facts, versions, deviations),
    )
    environment.globals.update({function.__name__: function for function in functions})
    return environment


def _linker(runs: Path, folder: Path) -> Callable[[str], str]:
    """Turns a file name relative to `runs` into a link that works from a page in `folder`."""
    prefix = Path(os.path.relpath(runs.resolve(), folder.resolve())).as_posix()

    def link(file: str) -> str:
        return quote(file if prefix == "." else f"{prefix}/{file}")

    return link
