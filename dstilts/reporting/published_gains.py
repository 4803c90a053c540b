"""The gains that the paper's abstracts report, beside ours: means over XTREME's tasks."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from dstilts.reporting.cells import Estimate, comparable
from dstilts.reporting.collect import BASELINE
from dstilts.reporting.published import (
    NUM_INTERMEDIATES,
    PAPER_ENCODER,
    Comparison,
    PublishedScore,
    published_name,
    published_scores,
)
from dstilts.reporting.tables import Column, Row, Section
from dstilts.tasks.benchmarks import BENCHMARKS
from dstilts.tasks.catalog import TASKS

_GAIN = "avg gain"
_BEST = "best-per-target"
_XTREME = BENCHMARKS["xtreme"]


def compare_gains(section: Section) -> list[Comparison]:
    """Every published gain that rows of ours can stand beside."""
    gains = [published for published in published_scores() if published.metric == _GAIN]
    return [found for published in gains for found in _compared(section, published)]


def _compared(section: Section, published: PublishedScore) -> Iterator[Comparison]:
    columns = [column for column in section.columns if column.task in _XTREME.tasks]
    rows = [row for row in section.rows if row.name != BASELINE and _fits(row, published)]
    table = {row: [_gain(section, row, column) for column in columns] for row in rows}
    if published.intermediate == _BEST:
        best = [
            max(known, default=None) for known in map(_known, zip(*table.values(), strict=True))
        ]
        table = {Row("the best of each target", ()): best} if rows else {}
    for row, values in table.items():
        gains = _known(values)
        if gains:
            yield Comparison(
                published=published,
                row=row,
                column=None,
                ours=Estimate(fmean(gains), None),
                reasons=tuple(_reasons(section, published, columns, len(gains), len(rows))),
                remarks=(published.note,) if published.note else (),
            )


def _fits(row: Row, published: PublishedScore) -> bool:
    if published.intermediate == _BEST:
        return True
    # "squad" is either version.
    return len(row.tasks) == 1 and row.tasks[0].startswith(published.intermediate)


def _gain(section: Section, row: Row, column: Column) -> float | None:
    """A task's score less that of none, as XTREME scores it: of questions the mean of F1 and EM."""
    cell, base = section.cell(row, column), section.baseline(column)
    if cell is None or base is None:
        return None
    official = _XTREME.languages[column.task]
    codes = [code for code in comparable(cell, base) if code in official]
    is_span = TASKS[column.task].kind == "span"
    metrics = ("f1", "exact_match") if is_span else (cell.main_metric,)
    pairs = [(cell.mean(name, codes), base.mean(name, codes)) for name in metrics]
    gains = [ours.mean - theirs.mean for ours, theirs in pairs if ours and theirs]
    return fmean(gains) if codes and len(gains) == len(metrics) else None


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _reasons(
    section: Section,
    published: PublishedScore,
    columns: Sequence[Column],
    num_tasks: int,
    num_rows: int,
) -> Iterator[str]:
    if published_name(section.encoder) != PAPER_ENCODER:
        yield f"another encoder: {section.encoder}, not {PAPER_ENCODER}"
    if section.source.startswith("phrasebook"):
        yield "other examples: generated ones, not the published sets"
    elif any(r.subset for column in columns for r in section.column_records(column)):
        yield "subsets of the published sets"
    if num_tasks != len(_XTREME.tasks):
        yield f"a mean over {num_tasks} targets, not {len(_XTREME.tasks)}"
    if published.intermediate == _BEST and num_rows < NUM_INTERMEDIATES:
        yield f"the best of {num_rows} intermediates, not of {NUM_INTERMEDIATES}"
