"""The delta to no intermediate task by groups of languages: family, script, distance."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from dstilts.reporting.cells import comparable, delta
from dstilts.reporting.collect import BASELINE
from dstilts.reporting.effect_table import interval
from dstilts.reporting.effects import Effect, Effects
from dstilts.reporting.heatmap import delta_scale
from dstilts.reporting.language_groups import DISTANCE, language_groups
from dstilts.reporting.tables import Column, Row, Section
from dstilts.reporting.text import MISSING, signed
from dstilts.reporting.text_table import TextTable

_LEAD = (
    "The difference to no intermediate task in points: for each target the mean over the group's "
    "languages, then the mean over the targets that have any of them{}."
)
_SURE = ", with its 95 % interval; * significant, corrected over the table"
_NOTES = {
    DISTANCE: (
        "Distance: the share of ten typological features, of those that are known, in which a "
        "language differs from English (WALS; see dstilts/tasks/typology.py)."
    )
}


@dataclass(frozen=True)
class _GroupCell:
    """What one row gains in one group."""

    delta: float | None
    effect: Effect | None  # the same with its interval; None where it is not known

    @property
    def value(self) -> str:
        if self.delta is None:
            return MISSING
        return signed(self.delta) + "*" * bool(self.effect and self.effect.significant)

    @property
    def ends(self) -> str:
        return interval(self.effect) if self.effect else ""


def group_tables(section: Section, effects: Effects | None = None) -> list[TextTable]:
    """A table for each way of grouping; none where nothing can be compared with the baseline."""
    rows = [row for row in section.rows if row.name != BASELINE and _is_compared(section, row)]
    if not rows:
        return []
    codes = {code for column in section.columns for code in section.languages(column)}
    known = effects or Effects()
    return [
        _table(section, rows, name, groups, known)
        for name, groups in language_groups(codes).items()
    ]


def _is_compared(section: Section, row: Row) -> bool:
    return any(section.delta(row, column) for column in section.columns)


def _table(
    section: Section,
    rows: Sequence[Row],
    name: str,
    groups: Mapping[str, list[str]],
    effects: Effects,
) -> TextTable:
    found = {
        group: [
            _cell(section, row, codes, effects.groups.get((row.name, name, group))) for row in rows
        ]
        for group, codes in groups.items()
    }
    values = [cell.delta for line in found.values() for cell in line if cell.delta is not None]
    limit = delta_scale(values)
    details = tuple(("", "", "", *(cell.ends for cell in line)) for line in found.values())
    is_sure = any(any(line) for line in details)
    return TextTable(
        slug=f"by-{name.partition(' ')[0]}",
        title=f"By {name}",
        lead=_LEAD.format(_SURE if is_sure else ""),
        head=(name, "languages", "targets", *(row.name for row in rows)),
        rows=tuple(
            (
                group,
                ", ".join(codes),
                str(len(_columns(section, codes))),
                *(cell.value for cell in found[group]),
            )
            for group, codes in groups.items()
        ),
        num_words=2,
        note=_NOTES.get(name, ""),
        details=details if is_sure else (),
        shades=tuple(
            (0, 0, 0, *(round(100 * (cell.delta or 0.0) / limit) for cell in line))
            for line in found.values()
        ),
    )


def _cell(section: Section, row: Row, codes: list[str], effect: Effect | None) -> _GroupCell:
    """The effect's own delta, where it is known: it is of the seeds that all targets have."""
    whole = _mean_delta(section, row, codes)
    if whole is None or effect is None:
        return _GroupCell(whole, None)
    return _GroupCell(effect.delta, effect)


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
