"""What each intermediate does to each target, how sure that is, and which seeds were left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np

from dstilts.reporting import statistics
from dstilts.reporting.cells import left_out
from dstilts.reporting.collect import BASELINE
from dstilts.reporting.effect_means import mean_samples
from dstilts.reporting.effect_samples import ColumnSamples, Sample
from dstilts.reporting.language_groups import language_groups
from dstilts.reporting.tables import Column, Row, Section

# A row's name and what else says where an effect stands.
Place = TypeVar("Place", bound=tuple[str, *tuple[object, ...]])

# By row how much more than the others its seeds vary, and how well that is known.
Factors: TypeAlias = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Effect:
    """A row less the row "none" on the same examples, in points; seeds are paired.

    Attributes:
        delta: mean over seeds and the languages with equal examples.
        low, high: the ends of its 95 % interval; None without example scores (records of old).
            With one seed of these two models alone: how far other examples would move it.
        p: two-sided, of no effect of the task; None with one seed, which says nothing of the task.
        p_holm: the same, corrected for all tests of its family: the grid's cells, the boxes of one
            target's heat map, the means of all rows, or one table of groups of languages.
        seeds: those that enter, of both models.
        detectable: the effect that these seeds would find in 80 of 100 cases, at the 5 % level of
            one test; None where `p` is.
        flagged: seeds that are left out as collapsed or failed, in words.
        note: why there is no interval or no `p`; "" where there is.
    """

    delta: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    seeds: tuple[int, ...]
    detectable: float | None
    flagged: tuple[str, ...] = ()
    note: str = ""

    @property
    def significant(self) -> bool:
        """Whether the corrected test finds an effect of the task."""
        return self.p_holm is not None and self.p_holm < statistics.LEVEL


@dataclass(frozen=True)
class Effects:
    """The effects of one section.

    Attributes:
        cells: by the row's name and the column; no entry for "none" and for what has no delta.
        boxes: the same by language too, for heat maps.
        means: by the row's name: of the mean over all targets, of the seeds that all have.
        groups: by the row's name, one of `GROUPINGS` and the group: of the mean over its
            languages, then over the targets that have any of them.
    """

    cells: Mapping[tuple[str, Column], Effect] = field(default_factory=dict)
    boxes: Mapping[tuple[str, Column, str], Effect] = field(default_factory=dict)
    means: Mapping[str, Effect] = field(default_factory=dict)
    groups: Mapping[tuple[str, str, str], Effect] = field(default_factory=dict)

    def cell(self, row: Row, column: Column) -> Effect | None:
        """That of a cell of the grid."""
        return self.cells.get((row.name, column))

    def box(self, row: Row, column: Column, language: str) -> Effect | None:
        """That of one language of a cell."""
        return self.boxes.get((row.name, column, language))


def effects(section: Section, runs: Path) -> Effects:
    """The effects of every row of a section but "none".

    P-values are corrected together where they are shown together: all cells of the grid, the means
    of its rows, the languages of a target, the groups of one kind.

    Args:
        runs: the folder that the records' file names are relative to; their example scores lie
            below it.

    Raises:
        UserError: a file of example scores is broken.
    """
    columns = {column: ColumnSamples(section, column, runs) for column in section.columns}
    flagged = {
        (row.name, column): _flagged(section, row, column)
        for row in section.rows
        for column in columns
    }
    cells = {
        (name, column): sample
        for column, found in columns.items()
        for name, sample in found.cells.items()
    }
    factors = _factors(cells)
    boxes: dict[tuple[str, Column, str], Effect] = {}
    for column, found in columns.items():
        family = {(name, column, code): sample for (name, code), sample in found.boxes.items()}
        boxes |= {
            place: _effect(family[place], test, flagged[place[0], column])
            for place, test in _tests(family, factors).items()
        }
    tests = _tests(cells, factors)
    samples = list(columns.values())
    return Effects(
        {at: _effect(cells[at], tests[at], flagged[at]) for at in cells},
        boxes,
        _means(samples, factors),
        _groups(samples, factors),
    )


def _means(columns: Sequence[ColumnSamples], factors: Factors) -> dict[str, Effect]:
    family = {(name,): sample for name, sample in mean_samples(columns).items()}
    tests = _tests(family, factors)
    return {at[0]: _effect(family[at], tests[at]) for at in family}


def _groups(
    columns: Sequence[ColumnSamples], factors: Factors
) -> dict[tuple[str, str, str], Effect]:
    found: dict[tuple[str, str, str], Effect] = {}
    codes = {code for column in columns for code in column.languages}
    for grouping, groups in language_groups(codes).items():
        family = {
            (name, grouping, group): sample
            for group, members in groups.items()
            for name, sample in mean_samples(columns, members).items()
        }
        tests = _tests(family, factors)
        found |= {at: _effect(family[at], tests[at]) for at in family}
    return found


@dataclass(frozen=True)
class _Test:
    """What a test says; the fields are those of `Effect`."""

    low: float
    high: float
    p: float
    p_holm: float
    detectable: float


def _factors(cells: Mapping[tuple[str, Column], Sample]) -> Factors:
    known = {place: sample for place, sample in cells.items() if sample.spread}
    table = np.array([(s.spread.own, s.spread.pooled) for s in known.values() if s.spread])
    own, pooled = table.reshape(-1, 2).T
    seeds = np.array([float(len(sample.seeds)) for sample in known.values()])
    return statistics.row_factors(own, pooled, seeds, [name for name, _ in known])


def _tests(family: Mapping[Place, Sample], factors: Factors) -> dict[Place, _Test | None]:
    """The tests of one family, corrected together; None where none is made."""
    tested = [(place, sample) for place, sample in family.items() if sample.spread]
    if not tested:
        return dict.fromkeys(family)
    rows = [
        (s.delta, len(s.seeds), s.spread.own, s.spread.pooled, s.spread.freedom, s.spread.examples)
        for _, s in tested
        if s.spread
    ]
    delta, seeds, own, pooled, freedom, examples = np.array(rows, dtype=np.float64).T
    of_rows = np.array([factors.get(place[0], (1.0, np.inf)) for place, _ in tested])
    seed_part, known = statistics.widened(own, pooled, freedom, seeds, of_rows)
    half = statistics.margins(seed_part, known, examples)
    p = statistics.p_values(delta, seed_part, known, examples)
    smallest = statistics.detectable(seed_part, known, examples)
    found = np.stack([delta - half, delta + half, p, statistics.holm(p), smallest], axis=1)
    tests = {
        place: _Test(*map(float, line)) for (place, _), line in zip(tested, found, strict=True)
    }
    return {place: tests.get(place) for place in family}


def _effect(sample: Sample, test: _Test | None, flagged: tuple[str, ...] = ()) -> Effect:
    low, high = sample.ends or (None, None)
    return Effect(
        delta=sample.delta,
        low=test.low if test else low,
        high=test.high if test else high,
        p=test.p if test else None,
        p_holm=test.p_holm if test else None,
        seeds=sample.seeds,
        detectable=test.detectable if test else None,
        flagged=flagged,
        note=sample.note,
    )


def _flagged(section: Section, row: Row, column: Column) -> tuple[str, ...]:
    """The seeds of a cell and of its baseline that no number holds, in words."""
    pair = {row.name: section.cell(row, column), BASELINE: section.baseline(column)}
    return tuple(
        f"{name}, {words}" for name, cell in pair.items() if cell for words in left_out(cell)
    )
