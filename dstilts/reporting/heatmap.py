"""The per-language heat map of one target: what each box says, how strongly it is coloured."""

import math
from dataclasses import dataclass
from itertools import groupby

from dstilts.reporting.cells import Cell, Estimate, comparable, delta
from dstilts.reporting.collect import Record
from dstilts.reporting.effects import Effect, Effects
from dstilts.reporting.tables import Column, Row, Section, family, language_name
from dstilts.reporting.text import listing, plural

DELTA_STEPS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # where the colour of a difference is full


@dataclass(frozen=True)
class Branch:
    """Neighbouring columns of one branch of a family, or of a family without branches."""

    name: str
    languages: tuple[str, ...]

    @property
    def narrow(self) -> bool:
        """Whether the name is wider than its columns (each about four letters wide)."""
        return len(self.name) > 4 * len(self.languages)


@dataclass(frozen=True)
class Family:
    """Neighbouring columns of one language family."""

    name: str
    branches: tuple[Branch, ...]

    @property
    def languages(self) -> tuple[str, ...]:
        """Those of all its branches."""
        return tuple(code for branch in self.branches for code in branch.languages)

    @property
    def divided(self) -> bool:
        """Whether its branches have names of their own."""
        return self.branches[0].name != self.name


@dataclass(frozen=True)
class Box:
    """One language of one row."""

    language: str
    score: Estimate | None  # None: missing
    shade: int  # 0 to 100: from the low to the high end of the scale
    delta: Estimate | None
    delta_shade: int  # -100 to 100
    at_chance: bool
    records: tuple[Record, ...]
    effect: Effect | None = None  # the delta with its interval; None where it is not known

    @property
    def significant(self) -> bool:
        """Whether the difference is one of the task, by the corrected test."""
        return self.effect is not None and self.effect.significant


@dataclass(frozen=True)
class HeatRow:
    """One intermediate over all languages."""

    row: Row
    mean: Estimate | None
    mean_delta: Estimate | None
    boxes: tuple[Box, ...]

    @property
    def at_chance(self) -> list[str]:
        """The names of the languages at or below chance."""
        return [language_name(box.language) for box in self.boxes if box.at_chance]


@dataclass(frozen=True)
class HeatMap:
    """One target: rows by languages."""

    column: Column
    metric: str
    families: tuple[Family, ...]
    chance: tuple[float | None, ...]  # by language
    low: float  # the ends of the colour scale of scores
    high: float
    delta_limit: float  # and of differences: from minus to plus this
    rows: tuple[HeatRow, ...]

    @property
    def has_deltas(self) -> bool:
        """Whether any row can be compared with the baseline."""
        return any(row.mean_delta for row in self.rows)

    @property
    def has_chance(self) -> bool:
        """Whether any score is at or below chance."""
        return any(box.at_chance for row in self.rows for box in row.boxes)

    @property
    def at_chance(self) -> list[tuple[str, str]]:
        """Rows with languages at or below chance, and which; those with the same ones together."""
        rows: dict[tuple[str, ...], list[str]] = {}
        for row in self.rows:
            if row.at_chance:
                rows.setdefault(tuple(row.at_chance), []).append(row.row.name)
        number = len(self.chance)
        return [
            (
                listing(names),
                listing(found) if len(found) < number else f"all of {plural(number, 'language')}",
            )
            for found, names in rows.items()
        ]

    @property
    def has_significant(self) -> bool:
        """Whether any difference is marked as significant."""
        return any(box.significant for row in self.rows for box in row.boxes)

    @property
    def has_missing(self) -> bool:
        """Whether any language of any row has no score."""
        return any(box.score is None for row in self.rows for box in row.boxes)


def build_heatmap(section: Section, column: Column, effects: Effects | None = None) -> HeatMap:
    """The heat map of one column of a section, languages by family, then by code."""
    known = effects or Effects()
    codes = section.languages(column)
    chance = {r.language: r.chance.get(r.main_metric) for r in section.column_records(column)}
    cells = {row: section.cell(row, column) for row in section.rows}
    scores = [e.mean for cell in cells.values() if cell for c in codes if (e := _score(cell, c))]
    deltas = {
        row: _deltas(cell, section.baseline(column)) if section.delta(row, column) else {}
        for row, cell in cells.items()
    }
    low, high = score_scale(scores)
    limit = delta_scale([d.mean for by_code in deltas.values() for d in by_code.values()])
    rows = []
    for row, cell in cells.items():
        boxes = (
            _box(
                code,
                cell,
                deltas[row].get(code),
                (low, high, limit),
                known.box(row, column, code),
            )
            for code in codes
        )
        mean = cell.mean() if cell else None
        rows.append(HeatRow(row, mean, section.delta(row, column), tuple(boxes)))
    return HeatMap(
        column=column,
        metric=section.metric(column),
        families=_families(codes),
        chance=tuple(chance[code] for code in codes),
        low=low,
        high=high,
        delta_limit=limit,
        rows=tuple(rows),
    )


def score_scale(scores: list[float]) -> tuple[float, float]:
    """The ends of the colour scale: the range rounded outwards to fives, at least ten wide."""
    if not scores:
        return 0.0, 100.0
    low = max(0.0, 5.0 * math.floor(min(scores) / 5))
    high = min(100.0, 5.0 * math.ceil(max(scores) / 5))
    return (min(low, high - 10), high) if high >= 10 else (0.0, 10.0)


def delta_scale(deltas: list[float]) -> float:
    """The difference at which the colour is full: the first step that none exceeds."""
    largest = max(map(abs, deltas), default=0.0)
    return next(step for step in DELTA_STEPS if largest <= step)


def _families(codes: list[str]) -> tuple[Family, ...]:
    """The families of sorted codes; the table of languages names them "Family: Branch"."""
    branches = [(name, tuple(group)) for name, group in groupby(codes, key=family)]
    return tuple(
        Family(name, tuple(Branch(full.rpartition(": ")[2], found) for full, found in group))
        for name, group in groupby(branches, key=lambda branch: branch[0].partition(": ")[0])
    )


def _score(cell: Cell | None, code: str) -> Estimate | None:
    return cell.score(code) if cell and code in cell.languages else None


def _deltas(cell: Cell | None, base: Cell | None) -> dict[str, Estimate]:
    if cell is None or base is None:
        return {}
    found = {code: delta(cell, base, [code]) for code in comparable(cell, base)}
    return {code: value for code, value in found.items() if value}


def _box(
    code: str,
    cell: Cell | None,
    change: Estimate | None,
    scale: tuple[float, float, float],
    effect: Effect | None,
) -> Box:
    low, high, limit = scale
    score = _score(cell, code)
    records = tuple(cell.records(code)) if cell and score else ()
    return Box(
        language=code,
        score=score,
        shade=round(100 * (score.mean - low) / (high - low)) if score else 0,
        delta=change,
        delta_shade=round(100 * change.mean / limit) if change else 0,
        at_chance=cell is not None and score is not None and cell.at_chance(code),
        records=records,
        effect=effect,
    )
