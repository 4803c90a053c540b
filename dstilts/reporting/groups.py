"""The delta to no intermediate task by groups of languages: family, script, distance."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from statistics import fmean

from dstilts.reporting.cells import comparable, delta
from dstilts.reporting.collect import BASELINE
from dstilts.reporting.heatmap import delta_scale
from dstilts.reporting.tables import Column, Row, Section
from dstilts.reporting.text import MISSING, signed
from dstilts.reporting.text_table import TextTable
from dstilts.tasks.typology import GROUPINGS, TYPOLOGY, grouped, typological_distance

TRAINED_ON = "en"  # what it gains is no transfer, so it is a group of its own

_DISTANCE = "distance to English"  # one of `GROUPINGS`
_LEAD = (
    "The difference to no intermediate task in points: for each target the mean over the group's "
    "languages, then the mean over the targets that have any of them."
)
_NOTES = {
    _DISTANCE: (
        "Distance: the share of ten typological features, of those that are known, in which a "
        "language differs from English (WALS; see dstilts/tasks/typology.py)."
    )
}


def group_tables(section: Section) -> list[TextTable]:
    """A table for each way of grouping; none where nothing can be compared with the baseline."""
    rows = [row for row in section.rows if row.name != BASELINE and _is_compared(section, row)]
    if not rows:
        return []
    codes = {code for column in section.columns for code in section.languages(column)}
    return [_table(section, rows, name, _groups(codes, name)) for name in GROUPINGS]


def _is_compared(section: Section, row: Row) -> bool:
    return any(section.delta(row, column) for column in section.columns)


def _groups(codes: Collection[str], by: str) -> dict[str, list[str]]:
    """The languages by group; English, if it is there, first and alone."""
    english = {"English (trained on)": [TRAINED_ON]} if TRAINED_ON in codes else {}
    others = grouped([code for code in codes if code != TRAINED_ON], by)
    if by == _DISTANCE:  # from near to far, not by size
        others = dict(sorted(others.items(), key=lambda group: _distance(group[1][0])))
    return english | others


def _distance(code: str) -> float:
    return typological_distance(code) if code in TYPOLOGY else 1.0


def _table(
    section: Section, rows: Sequence[Row], name: str, groups: Mapping[str, list[str]]
) -> TextTable:
    found = {group: _line(section, rows, codes) for group, codes in groups.items()}
    limit = delta_scale([value for line in found.values() for value in line if value is not None])
    return TextTable(
        slug=f"by-{name.partition(' ')[0]}",
        title=f"By {name}",
        lead=_LEAD,
        head=(name, "languages", "targets", *(row.name for row in rows)),
        rows=tuple(
            (
                group,
                ", ".join(codes),
                str(len(_columns(section, codes))),
                *map(_written, found[group]),
            )
            for group, codes in groups.items()
        ),
        num_words=2,
        note=_NOTES.get(name, ""),
        shades=tuple(
            (0, 0, 0, *(round(100 * (value or 0.0) / limit) for value in found[group]))
            for group in groups
        ),
    )


def _line(section: Section, rows: Sequence[Row], codes: list[str]) -> list[float | None]:
    return [_mean_delta(section, row, codes) for row in rows]


def _mean_delta(section: Section, row: Row, codes: list[str]) -> float | None:
    """None where any of its parts is missing: a mean over fewer is another number."""
    values = list(_deltas(section, row, codes))
    present = [value for value in values if value is not None]
    return fmean(present) if present and len(present) == len(values) else None


def _deltas(section: Section, row: Row, codes: list[str]) -> Iterator[float | None]:
    for column in _columns(section, codes):
        cell, base = section.cell(row, column), section.baseline(column)
        if cell is None or base is None:
            yield None
            continue
        wanted = [code for code in codes if code in base.languages]
        there = set(wanted) <= set(comparable(cell, base))
        found = delta(cell, base, wanted) if there else None
        yield found.mean if found else None


def _columns(section: Section, codes: list[str]) -> list[Column]:
    """The columns that have a baseline in any of the languages."""
    return [
        column
        for column in section.columns
        if (base := section.baseline(column)) and set(codes) & set(base.languages)
    ]


def _written(value: float | None) -> str:
    return MISSING if value is None else signed(value)
