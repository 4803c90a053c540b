"""The numbers behind the effects of one column: paired seeds, drawn examples, their variances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from dstilts.evaluation.score_files import StoredScores, scores_file, stored_scores
from dstilts.reporting import statistics
from dstilts.reporting.cells import Cell, comparable
from dstilts.reporting.collapse import Seed
from dstilts.reporting.collect import BASELINE, Record
from dstilts.reporting.statistics import Numbers
from dstilts.reporting.tables import Column, Section

# A run that learnt nothing is started again with a seed that is this much larger
# (engine.guards.Attempt.seed): it takes the place of the first one.
_RESTART = 1_000_000
OLD = "no scores of single examples: evaluate again for an interval"
ONE = "one seed: an interval for other examples, of these two models alone"
APART = "no seed in common with none"


@dataclass(frozen=True)
class Spread:
    """What makes a difference uncertain; see `statistics.seed_variance`.

    Attributes:
        own, pooled, freedom: by seeds: of the cell alone, of its column, and how well known.
        examples: by examples.
    """

    own: float
    pooled: float
    freedom: float
    examples: float


@dataclass(frozen=True)
class Sample:
    """A difference, before it is tested.

    Attributes:
        ends: of the interval where no test is made (one seed); None without example scores.
        spread: None where no test is made.
    """

    delta: float
    seeds: tuple[int, ...]
    note: str = ""
    ends: tuple[float, float] | None = None
    spread: Spread | None = None


@dataclass(frozen=True)
class Block:
    """Cells over the same paired seeds and languages: C cells, S seeds, L languages, B replicates.

    Attributes:
        deltas_CSL: differences to the baseline.
        drawn_BCSL: the same in every replicate; NaN without example scores.
        seeded: whether the baseline has seeds.
        sizes_L: numbers of examples.
    """

    rows: tuple[str, ...]
    seeds: tuple[Seed, ...]
    languages: tuple[str, ...]
    deltas_CSL: Numbers
    drawn_BCSL: Numbers
    seeded: bool
    sizes_L: Numbers

    def cells(self) -> dict[str, Sample]:
        """By row: means over the languages."""
        # A variance from few examples is itself unsure: as wide as a t distribution's is.
        factor = _few(self.sizes_L.min())
        means = self._samples(self.deltas_CSL.mean(axis=-1), self.drawn_BCSL.mean(axis=-1), factor)
        return dict(zip(self.rows, means, strict=True))

    def boxes(self) -> dict[tuple[str, str], Sample]:
        """By row and language."""
        names = [(row, code) for row in self.rows for code in self.languages]
        factor = np.tile(_few(self.sizes_L), len(self.rows))
        # A language is tested as a column of its own would be.
        drawn = np.moveaxis(self.drawn_BCSL, 2, -1)
        flat = drawn.reshape(len(drawn), len(names), -1)
        return dict(zip(names, self._samples(self.deltas_CSL, flat, factor), strict=True))

    def _samples(
        self, deltas: Numbers, drawn_BNS: Numbers, factor: Numbers | float
    ) -> list[Sample]:
        means = deltas.mean(axis=1).ravel()
        seeds = tuple(seed for seed in self.seeds if seed is not None)
        samples = [Sample(float(mean), seeds) for mean in means]
        known = np.atleast_1d(np.isfinite(drawn_BNS).all(axis=(0, 2)))
        if len(self.seeds) == 1:
            ends = np.quantile(drawn_BNS[..., 0], [0.025, 0.975], axis=0)
            return [
                replace(sample, note=ONE, ends=(float(low), float(high)))
                if is_known
                else replace(sample, note=OLD)
                for sample, is_known, low, high in zip(samples, known, *ends, strict=True)
            ]
        own, pooled, freedom = statistics.seed_variance(deltas, self.seeded)
        examples = factor * statistics.example_variance(drawn_BNS)
        table = np.stack([own.ravel(), pooled.ravel(), examples], axis=1)
        return [
            replace(sample, spread=Spread(float(a), float(b), float(freedom), float(c)))
            if is_known
            else replace(sample, note=OLD)
            for sample, is_known, (a, b, c) in zip(samples, known, table, strict=True)
        ]


class ColumnSamples:
    """The samples of every row of a column but the baseline.

    Args:
        runs: the folder that the records' file names are relative to.

    Attributes:
        languages: of the baseline; none without one.
        blocks: by row: the block that its samples are taken from.
        cells, boxes: the samples by row, and by row and language.
    """

    def __init__(self, section: Section, column: Column, runs: Path) -> None:
        self._runs = runs
        self._cells = {
            row.name: cell for row in section.rows if (cell := section.cell(row, column))
        }
        self._base = self._cells.pop(BASELINE, None)
        self.languages: tuple[str, ...] = self._base.languages if self._base else ()
        self.blocks: dict[str, Block] = {}
        self.cells: dict[str, Sample] = {}
        self.boxes: dict[tuple[str, str], Sample] = {}
        if self._base is not None:
            self._fill(section, column, self._base)

    def _fill(self, section: Section, column: Column, base: Cell) -> None:
        places = {name: self._place(cell, base) for name, cell in self._cells.items()}
        for place in dict.fromkeys(places.values()):
            seeds, codes = place
            mine = [name for name, own in places.items() if own == place]
            if not codes:
                continue
            if not seeds:
                self._apart(section, column, mine)
                continue
            block = self._block(base, seeds, codes, places)
            cells, boxes = block.cells(), block.boxes()
            self.blocks.update(dict.fromkeys(mine, block))
            self.cells.update({name: cells[name] for name in mine})
            self.boxes.update({(name, code): boxes[name, code] for name in mine for code in codes})

    def _apart(self, section: Section, column: Column, names: Sequence[str]) -> None:
        """Cells that share no seed with the baseline: a difference of means, and no more."""
        for row in section.rows:
            if row.name in names and (found := section.delta(row, column)):
                self.cells[row.name] = Sample(found.mean, (), APART)

    def _place(self, cell: Cell, base: Cell) -> tuple[tuple[Seed, ...], tuple[str, ...]]:
        """The seeds that are paired and the languages that can be compared."""
        slots, others = _slots(cell), _slots(base)
        seeds = tuple(slots) if None in others else tuple(s for s in slots if s in others)
        return seeds, tuple(comparable(cell, base))

    def _block(
        self,
        base: Cell,
        seeds: tuple[Seed, ...],
        codes: tuple[str, ...],
        places: Mapping[str, tuple[tuple[Seed, ...], tuple[str, ...]]],
    ) -> Block:
        """Of all cells that have these seeds and languages: they share a seed variance."""
        rows = tuple(
            name
            for name, (own, known) in places.items()
            if set(seeds) <= set(own) and set(codes) <= set(known)
        )
        others = _slots(base)
        of_base = [others.get(seed, others.get(None)) or {} for seed in seeds]
        table = [of_base, *([_slots(self._cells[name])[seed] for seed in seeds] for name in rows)]
        records = [[[run[code] for code in codes] for run in runs] for runs in table]
        scores = np.array([[[_value(r) for r in run] for run in runs] for runs in records])
        drawn_BL = [self._drawn[code] for code in codes]
        drawn = np.stack(
            [
                np.stack([[found[r.file] for r in (run[i] for run in runs)] for runs in records])
                for i, found in enumerate(drawn_BL)
            ],
            axis=-1,
        )  # (C + 1, S, B, L)
        drawn = np.moveaxis(drawn, 2, 0)
        return Block(
            rows=rows,
            seeds=seeds,
            languages=codes,
            deltas_CSL=scores[1:] - scores[:1],
            drawn_BCSL=drawn[:, 1:] - drawn[:, :1],
            seeded=None not in others,
            sizes_L=np.array([records[0][0][i].num_examples for i in range(len(codes))], float),
        )

    @cached_property
    def _drawn(self) -> dict[str, dict[str, Numbers]]:
        """By language and record the metric in every replicate (B,)."""
        every = [*self._cells.values(), *([self._base] if self._base else [])]
        records = [
            record for cell in every for run in cell.runs.values() for record in run.values()
        ]
        nothing = np.full(statistics.REPLICATES, np.nan)
        drawn: dict[str, dict[str, Numbers]] = {}
        groups: dict[str, list[tuple[Record, StoredScores]]] = {}
        for record in records:
            drawn.setdefault(record.language, {})[record.file] = nothing
            found = stored_scores(scores_file(self._runs / record.file))
            if found is not None and found.identity == record.identity:
                groups.setdefault(found.ids, []).append((record, found))
        for ids, group in groups.items():
            counts = statistics.drawn_counts(len(group[0][1].numerators), ids)
            above = np.stack([found.numerators for _, found in group])
            below = np.stack([found.denominators for _, found in group])
            metrics = statistics.drawn_metrics(counts, above, below)
            for (record, _), values in zip(group, metrics.T, strict=True):
                drawn[record.language][record.file] = values
        return drawn


def _slots(cell: Cell) -> dict[Seed, Mapping[str, Record]]:
    return {None if seed is None else seed % _RESTART: run for seed, run in cell.runs.items()}


def _value(record: Record) -> float:
    return record.metrics[record.main_metric]


def _few(sizes: Numbers | float) -> Numbers:
    return np.asarray(sizes / np.maximum(np.asarray(sizes) - 3, 1.0))
