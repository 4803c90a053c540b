"""What each intermediate does to each target, how sure that is, and which seeds were left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dstilts.reporting.tables import Column, Row, Section

LEVEL = 0.05  # of a claim, over the whole family of tests (Holm)


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
        return self.p_holm is not None and self.p_holm < LEVEL


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

    Args:
        runs: the folder that the records' file names are relative to; their example scores lie
            below it.
    """
    return Effects()
