"""What each intermediate does to each target, how sure that is, and which seeds were left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dstilts.reporting import statistics
from dstilts.reporting.cells import left_out
from dstilts.reporting.collect import BASELINE
from dstilts.reporting.effect_samples import ColumnSamples, Sample
from dstilts.reporting.tables import Column, Row, Section


@dataclass(frozen=True)
class Effect:
    """A row less the row "none" on the same examples, in points; seeds are paired.

    Attributes:
        delta: mean over seeds and the languages with equal examples.
        low, high: the ends of its 95 % interval; None without example scores (records of old).
            With one seed of these two models alone: how far other examples would move it.
        p: two-sided, of no effect of the task; None with one seed, which says nothing of the task.
        p_holm: the same, corrected for all tests of its family: the grid's cells, or the boxes of
            one target's heat map.
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
    """

    cells: Mapping[tuple[str, Column], Effect] = field(default_factory=dict)
    boxes: Mapping[tuple[str, Column, str], Effect] = field(default_factory=dict)

    def cell(self, row: Row, column: Column) -> Effect | None:
        """That of a cell of the grid."""
        return self.cells.get((row.name, column))

    def box(self, row: Row, column: Column, language: str) -> Effect | None:
        """That of one language of a cell."""
        return self.boxes.get((row.name, column, language))


def effects(section: Section, runs: Path) -> Effects:
    """The effects of every row of a section but "none".

    The p-values of all cells of the grid are corrected together; those of languages are for each
    target, whose heat map shows them together.

    Args:
        runs: the folder that the records' file names are relative to; their example scores lie
            below it.

    Raises:
        UserError: a file of example scores is broken.
    """
    cells: dict[tuple[str, Column], Sample] = {}
    boxes: dict[tuple[str, Column, str], Effect] = {}
    flagged: dict[tuple[str, Column], tuple[str, ...]] = {}
    for column in section.columns:
        found = ColumnSamples(section, column, runs)
        for row in section.rows:
            flagged[row.name, column] = _flagged(section, row, column)
        cells.update({(name, column): sample for name, sample in found.cells.items()})
        places = [(name, column, code) for name, code in found.boxes]
        words = [flagged[name, column] for name, _, _ in places]
        boxes.update(zip(places, _tested(list(found.boxes.values()), words), strict=True))
    words = [flagged[place] for place in cells]
    return Effects(dict(zip(cells, _tested(list(cells.values()), words), strict=True)), boxes)


def _tested(samples: Sequence[Sample], flagged: Sequence[tuple[str, ...]]) -> list[Effect]:
    """The effects of one family of tests."""
    tested = [number for number, sample in enumerate(samples) if sample.variances]
    table = np.array([samples[number].variances for number in tested]).reshape(-1, 3).T
    deltas = np.array([samples[number].delta for number in tested])
    p = statistics.p_values(deltas, *table)
    columns = (p, statistics.holm(p), statistics.margins(*table), statistics.detectable(*table))
    results = {
        number: tuple(map(float, values)) for number, *values in zip(tested, *columns, strict=True)
    }
    effects = []
    for number, (sample, words) in enumerate(zip(samples, flagged, strict=True)):
        low, high = sample.ends or (None, None)
        p_value = corrected = smallest = None
        if number in results:
            p_value, corrected, half, smallest = results[number]
            low, high = sample.delta - half, sample.delta + half
        effects.append(
            Effect(
                delta=sample.delta,
                low=low,
                high=high,
                p=p_value,
                p_holm=corrected,
                seeds=sample.seeds,
                detectable=smallest,
                flagged=words,
                note=sample.note,
            )
        )
    return effects


def _flagged(section: Section, row: Row, column: Column) -> tuple[str, ...]:
    """The seeds of a cell and of its baseline that no number holds, in words."""
    return tuple(
        f"{name}, {words}"
        for name, cell in (
            (row.name, section.cell(row, column)),
            (BASELINE, section.baseline(column)),
        )
        if cell is not None
        for words in left_out(cell)
    )
