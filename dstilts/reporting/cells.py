"""The arithmetic of one cell: means over languages, spread over seeds, paired deltas."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from dstilts.reporting.collapse import Seed, collapsed
from dstilts.reporting.collect import Record


@dataclass(frozen=True)
class Estimate:
    """A number in per cent or points, with its standard deviation where there are several seeds."""

    mean: float
    sd: float | None


@dataclass(frozen=True)
class Cell:
    """All scores of one intermediate (row) on one target (column).

    Every seed in `runs` has a score in the same languages: a seed whose evaluation is not
    finished stands in `unfinished`, one that learnt nothing in `collapsed`, and enters no number.
    """

    runs: Mapping[Seed, Mapping[str, Record]]
    unfinished: tuple[Seed, ...]
    collapsed: Mapping[Seed, str] = field(default_factory=dict)  # with why

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages with a score."""
        return tuple(next(iter(self.runs.values())))

    @property
    def main_metric(self) -> str:
        """The metric that the grid shows."""
        return self.records(self.languages[0])[0].main_metric

    def records(self, language: str) -> list[Record]:
        """The records of a language, one a seed."""
        return [run[language] for run in self.runs.values() if language in run]

    def score(self, language: str, metric: str | None = None) -> Estimate | None:
        """The mean over seeds in one language; None where a seed has no such score."""
        metric = metric or self.main_metric
        found = [record.metrics.get(metric) for record in self.records(language)]
        values = [value for value in found if value is not None]
        return _estimate(values) if values and len(values) == len(found) else None

    def at_chance(self, language: str) -> bool:
        """Whether a language's score is at or below its chance level, both over all seeds."""
        levels = [record.chance.get(self.main_metric) for record in self.records(language)]
        known = [level for level in levels if level is not None]
        score = self.score(language)
        return score is not None and bool(known) and score.mean <= fmean(known)

    def mean(self, metric: str | None = None, languages: Collection[str] = ()) -> Estimate | None:
        """The unweighted mean over languages (all, or those named), then over seeds.

        None where a language lacks the metric: a mean over fewer languages is another number.
        """
        metric = metric or self.main_metric
        chosen = languages or self.languages
        means = []
        for run in self.runs.values():
            values = [run[code].metrics.get(metric) for code in chosen if code in run]
            present = [value for value in values if value is not None]
            if len(present) < len(chosen):
                return None
            means.append(fmean(present))
        return _estimate(means)


def build_cell(
    records: Mapping[Seed, Mapping[str, Record]], seen: Mapping[str, str] | None = None
) -> Cell | None:
    """The cell of these records by seed and language; None where none of them has a score.

    Args:
        seen: of models that training saw learn nothing, by key: why.
    """
    scored = {
        seed: {code: r for code, r in run.items() if r.main_metric in r.metrics}
        for seed, run in records.items()
    }
    fallen = collapsed({seed: run for seed, run in scored.items() if run}, seen)
    scored = {seed: run for seed, run in scored.items() if seed not in fallen}
    fullest = max((len(run) for run in scored.values()), default=0)
    if fullest == 0:
        return None
    complete = next(set(run) for run in scored.values() if len(run) == fullest)
    runs = {seed: run for seed, run in scored.items() if set(run) == complete}
    unfinished = tuple(seed for seed in scored if seed not in runs)
    return Cell(runs, unfinished, fallen)


def left_out(cell: Cell) -> list[str]:
    """The seeds that enter no number, each with why."""
    unfinished = [f"seed {seed}: unfinished" for seed in cell.unfinished]
    return [f"seed {seed}: {why}" for seed, why in cell.collapsed.items()] + unfinished


def comparable(cell: Cell, base: Cell) -> list[str]:
    """The languages that both cells have, evaluated on the same examples."""
    return [
        code
        for code in cell.languages
        if code in base.languages and _digests(cell, code) == _digests(base, code)
    ]


def delta(cell: Cell, base: Cell, languages: Collection[str]) -> Estimate | None:
    """Mean over `languages` of `cell` minus `base`, in points; None for no languages.

    Its standard deviation pairs the seeds that both have; a base without seeds (nothing trained)
    is the same for every seed. Seeds that cannot be paired give a mean without one.
    """
    if not languages:
        return None
    metric = cell.main_metric
    differences = []
    for seed, run in cell.runs.items():
        other = base.runs.get(seed, base.runs.get(None))
        if other is not None:
            pairs = [(run[code].metrics[metric], other[code].metrics[metric]) for code in languages]
            differences.append(fmean(ours - theirs for ours, theirs in pairs))
    if len(differences) == len(cell.runs) and set(base.runs) <= {*cell.runs, None}:
        return _estimate(differences)
    ours, theirs = cell.mean(languages=languages), base.mean(languages=languages)
    return Estimate(ours.mean - theirs.mean, None) if ours and theirs else None


def zero_shot_gap(cell: Cell) -> Estimate | None:
    """English minus the mean of the other languages, in points; None without English or others."""
    others = [code for code in cell.languages if code != "en"]
    if "en" not in cell.languages or not others:
        return None
    metric = cell.main_metric
    return _estimate(
        [
            run["en"].metrics[metric] - fmean(run[code].metrics[metric] for code in others)
            for run in cell.runs.values()
        ]
    )


def _digests(cell: Cell, language: str) -> set[str]:
    return {record.data_digest for record in cell.records(language)}


def _estimate(values: list[float]) -> Estimate:
    mean = fmean(values)
    if len(values) < 2:
        return Estimate(mean, None)
    # By hand: `statistics.stdev` counts in fractions, which is most of the time of a large report.
    squares = sum((value - mean) ** 2 for value in values)
    return Estimate(mean, math.sqrt(squares / (len(values) - 1)))
