"""The grid intermediate x target, the other metrics and the zero-shot gap, ready to print."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from dstilts.reporting.cells import Cell, Estimate, zero_shot_gap
from dstilts.reporting.collect import Record
from dstilts.reporting.effects import Effect, Effects
from dstilts.reporting.tables import Column, Row, Section
from dstilts.reporting.text import metric_title, number_range


@dataclass(frozen=True)
class GridCell:
    """One cell of the grid as a reader sees it."""

    value: Estimate | None  # None: missing
    delta: Estimate | None  # None: the baseline itself, or nothing to compare with
    languages: int
    expected: int  # languages of the column over all rows
    examples: str  # a language, where that is not what the whole column has
    seeds: int
    unfinished: int  # seeds left out because some of their languages are missing
    collapsed: int  # seeds left out because they learnt nothing
    at_chance: int  # languages at or below chance
    effect: Effect | None = None  # the delta with its interval; None where it is not known
    highest: bool = False  # in its column

    @property
    def complete(self) -> bool:
        """Whether no language that other rows have is missing here."""
        return self.value is not None and self.languages == self.expected


@dataclass(frozen=True)
class GridRow:
    """One row: a cell for each column, then the mean over the columns."""

    row: Row
    cells: tuple[GridCell, ...]
    mean: Estimate | None  # None where a cell is not complete: it would be another mean
    mean_delta: Estimate | None
    mean_effect: Effect | None  # the delta with its interval; None where it is not known


@dataclass(frozen=True)
class MetricTable:
    """Rows by metrics for one column: means over languages."""

    column: Column
    metrics: tuple[str, ...]
    rows: tuple[tuple[Row, tuple[Estimate | None, ...]], ...]


def build_grid(section: Section, effects: Effects | None = None) -> list[GridRow]:
    """The grid of a section, rows and columns in its order; with effects where they are given."""
    known = effects or Effects()
    table = [
        [_grid_cell(section, row, column, known.cell(row, column)) for column in section.columns]
        for row in section.rows
    ]
    best = [_highest([cells[index] for cells in table]) for index in range(len(section.columns))]
    rows = []
    for row, cells in zip(section.rows, table, strict=True):
        marked = [
            GridCell(**{**vars(cell), "highest": cell.complete and cell is top})
            for cell, top in zip(cells, best, strict=True)
        ]
        whole = all(cell.complete for cell in marked)
        rows.append(
            GridRow(
                row=row,
                cells=tuple(marked),
                mean=_mean([cell.value for cell in marked]) if whole else None,
                mean_delta=_mean([cell.delta for cell in marked]) if whole else None,
                mean_effect=known.means.get(row.name) if whole else None,
            )
        )
    return rows


def metric_tables(section: Section) -> list[MetricTable]:
    """A table for each column that has more than its main metric."""
    tables = []
    for column in section.columns:
        records = section.column_records(column)
        main = records[0].main_metric
        others = sorted({name for record in records for name in record.metrics} - {main})
        if others:
            metrics = (main, *others)
            rows = tuple(
                (row, tuple(_metric_mean(section.cell(row, column), name) for name in metrics))
                for row in section.rows
            )
            tables.append(MetricTable(column, tuple(map(metric_title, metrics)), rows))
    return tables


def gap_table(section: Section) -> list[tuple[Row, tuple[Estimate | None, ...]]]:
    """English minus the mean of the other languages, for `gap_columns(section)`."""
    columns = gap_columns(section)
    return [
        (row, tuple(_gap(section.cell(row, column)) for column in columns))
        for row in section.rows
        if columns
    ]


def gap_columns(section: Section) -> list[Column]:
    """The columns evaluated in English and other languages."""
    return [c for c in section.columns if {"en"} < set(section.languages(c))]


def example_range(records: Sequence[Record]) -> str:
    """Numbers of examples a language: "500", or "498 to 512" where languages differ."""
    return number_range([record.num_examples for record in records])


def _grid_cell(section: Section, row: Row, column: Column, effect: Effect | None) -> GridCell:
    cell = section.cell(row, column)
    expected = len(section.languages(column))
    if cell is None:
        return GridCell(None, None, 0, expected, "", 0, 0, 0, 0)
    records = [record for code in cell.languages for record in cell.records(code)]
    examples = example_range(records)
    usual = example_range(section.column_records(column))
    return GridCell(
        value=cell.mean(),
        delta=section.delta(row, column),
        languages=len(cell.languages),
        expected=expected,
        examples="" if examples == usual else examples,
        seeds=len(cell.runs),
        unfinished=len(cell.unfinished),
        collapsed=len(cell.collapsed),
        at_chance=sum(map(cell.at_chance, cell.languages)),
        effect=effect,
    )


def _highest(cells: list[GridCell]) -> GridCell | None:
    """The cell with the highest mean; None where there is nothing to choose between."""
    complete = [cell for cell in cells if cell.complete]
    if len(complete) < 2:
        return None
    return max(complete, key=lambda cell: cell.value.mean if cell.value else 0.0)


def _mean(values: Sequence[Estimate | None]) -> Estimate | None:
    present = [value.mean for value in values if value is not None]
    return Estimate(fmean(present), None) if present and len(present) == len(values) else None


def _metric_mean(cell: Cell | None, metric: str) -> Estimate | None:
    return cell.mean(metric) if cell else None


def _gap(cell: Cell | None) -> Estimate | None:
    return zero_shot_gap(cell) if cell else None
