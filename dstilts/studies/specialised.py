"""Specialised: intermediate training of one encoder, against encoders with target training only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dstilts.reporting.collect import BASELINE
from dstilts.studies.compare import Cells, Unit, columns_of, fit_cells, unit
from dstilts.studies.consistency import (
    MINIMAL_TASKS,
    agreement_with_english,
    logical,
    predict_minimal_pairs,
)
from dstilts.studies.encoders import EncoderChoice
from dstilts.studies.estimates import Estimate
from dstilts.studies.figure import Panel, figure
from dstilts.studies.limits import common_facts, common_limits
from dstilts.studies.predictions import read_predictions
from dstilts.studies.result import ResultTable, StudyResult
from dstilts.studies.scores import Score, StudyCell
from dstilts.studies.settings import StudySettings, require
from dstilts.studies.study import Study, StudyRuns
from dstilts.studies.words import column_title, verdict
from dstilts.sweep.grid import Grid, Intermediate
from dstilts.tasks.catalog import task

QUESTION = "Does intermediate training of one encoder do what another encoder does without it?"
BASE = "base"  # the grid of the encoder that gets intermediate training

SCORE, LOGIC = "score", "agreement with logic"
RIGHT, ACROSS = "minimal pairs all right", "agreement with English"


@dataclass(frozen=True, kw_only=True)
class SpecialisedSettings(StudySettings):
    """One encoder with intermediate tasks; others that are trained on the targets only."""

    intermediates: tuple[Intermediate, ...]
    others: tuple[EncoderChoice, ...]
    minimal_groups: int = 20  # of each kind of minimal pairs in each language

    def __post_init__(self) -> None:
        require(bool(self.targets), "targets must not be empty")
        require(bool(self.intermediates), "intermediates must not be empty")
        names = [choice.name for choice in self.others]
        require(len({BASE, *names}) == len(names) + 1, "others must have different names, not base")
        require(self.minimal_groups > 0, "minimal_groups must be greater than 0")

    @property
    def base(self) -> str:
        """What tables call the encoder that gets intermediate training."""
        return self.encoder.rpartition("/")[2]


@dataclass(frozen=True)
class Measure:
    """One way to measure all systems, over all targets that allow it."""

    name: str
    cells: Cells


def grids(settings: SpecialisedSettings) -> tuple[Grid, ...]:
    """A grid with the intermediate tasks, and one without any for every other encoder."""
    return (
        settings.grid(BASE, settings.intermediates),
        *(settings.grid(found.name, (), encoder=found.location()) for found in settings.others),
    )


def measure(settings: SpecialisedSettings, runs: StudyRuns) -> None:
    """The minimal pairs, which no grid evaluates."""
    predict_minimal_pairs(settings, runs.cells, settings.minimal_groups, runs.folder)


def analyse(settings: SpecialisedSettings, runs: StudyRuns) -> StudyResult:
    """Scores and consistency of all systems, compared."""
    scores = runs.scores()
    measures = _measures(settings, runs, scores)
    systems = list(dict.fromkeys(_system(settings, found.cell) for found in scores))
    trained = [f"{settings.base} + {row.name}" for row in settings.intermediates]
    others = [settings.base, *(found.name for found in settings.others)]
    return StudyResult(
        study="specialised",
        question=QUESTION,
        answer=tuple(_answer(measures, trained, others)),
        limits=(
            *common_limits(settings, scores),
            "Encoders differ in size, vocabulary and pretraining text at once: what of it matters "
            "is not told apart.",
            "Agreement is no merit alone: a model that always says the same agrees with logic and "
            "with itself in every language. Read it beside the score.",
            f"Minimal pairs: the first {settings.minimal_groups} groups of each kind, of the "
            "phrasebook whatever the source of the rest.",
        ),
        tables=(
            _means(measures, systems),
            _differences(measures, trained, others),
            _by_column(settings, scores, systems),
        ),
        figure=figure(
            [_panel(found, trained, others) for found in measures if found.name != RIGHT]
        ),
        caption=(
            "Differences over all targets with 95 % intervals over runs and languages; filled "
            "where they leave 0 out."
        ),
        numbers=dict(_numbers(measures, systems, trained, others)),
        facts=common_facts(settings, scores),
    )


def _system(settings: SpecialisedSettings, cell: StudyCell) -> str:
    if cell.grid != BASE:
        return cell.grid
    return settings.base if cell.row == BASELINE else f"{settings.base} + {cell.row}"


def _measures(
    settings: SpecialisedSettings, runs: StudyRuns, scores: Sequence[Score]
) -> list[Measure]:
    """The score and, where some target allows it, agreement with logic and with English."""
    found: dict[str, list[Unit]] = {SCORE: [], LOGIC: [], RIGHT: [], ACROSS: []}

    def add(name: str, cell: StudyCell, measured: str, by_language: Mapping[str, float]) -> None:
        system = _system(settings, cell)
        found[name] += [unit(system, cell, measured, *pair) for pair in by_language.items()]

    for each in scores:
        add(SCORE, each.cell, each.task, {each.language: each.value})
    for cell in dict.fromkeys(each.cell for each in scores):
        for name in cell.evaluate:
            if name in MINIMAL_TASKS:
                by_code = logical(runs.folder, cell.key, name, settings.minimal_groups)
                add(LOGIC, cell, name, {code: each.logical for code, each in by_code.items()})
                add(RIGHT, cell, name, {code: each.right for code, each in by_code.items()})
            if task(name).kind in ("pair", "choice"):
                stored = read_predictions(runs.folder, cell.key, name)
                by_language = {code: predictions for (code, _), predictions in stored.items()}
                add(ACROSS, cell, name, agreement_with_english(by_language))
    return [Measure(name, fit_cells(units)) for name, units in found.items() if units]


def _answer(measures: Sequence[Measure], trained: list[str], others: list[str]) -> list[str]:
    score = measures[0]
    lines = []
    for other in others:
        best, gain = max(
            ((name, score.cells.difference(name, other)) for name in trained),
            key=lambda pair: pair[1].value,
        )
        best_of = f"the best of {len(trained)}, " if len(trained) > 1 else ""
        lines.append(
            f"Against {other} with target training only, {best_of}{best}, scores "
            f"{gain.words(unit='points')} over all targets: {verdict(gain)}."
        )
    for found in measures[1:]:
        if found.name == RIGHT:
            continue
        parts = []
        for name in trained:
            change = found.cells.difference(name, others[0])
            parts.append(f"{name} {change.words()}, {verdict(change)}")
        title = found.name[0].upper() + found.name[1:]
        lines.append(f"{title}, against {others[0]}: {'; '.join(parts)}.")
    return lines


def _means(measures: Sequence[Measure], systems: list[str]) -> ResultTable:
    rows = [
        (name, *(found.cells.mean(name).per_cent().short(".1f") for found in measures))
        for name in systems
    ]
    head = ("encoder", *(f"{found.name}, per cent" for found in measures))
    return ResultTable("Mean over targets and languages [95 % interval]", head, tuple(rows))


def _differences(measures: Sequence[Measure], trained: list[str], others: list[str]) -> ResultTable:
    rows = [
        (name, other, *(found.cells.difference(name, other).short() for found in measures))
        for name in trained
        for other in others
    ]
    head = ("with intermediate training", "less", *(found.name for found in measures))
    return ResultTable("Differences, points [95 % interval]", head, tuple(rows), num_words=2)


def _by_column(
    settings: SpecialisedSettings, scores: Sequence[Score], systems: list[str]
) -> ResultTable:
    columns = columns_of(scores)
    cells = {
        key: fit_cells(
            [
                unit(_system(settings, each.cell), each.cell, each.task, each.language, each.value)
                for each in scores
                if (each.cell.target, each.task) == key
            ]
        )
        for key in columns
    }
    rows = [
        (name, *(cells[key].mean(name).per_cent().short(".1f") for key in columns))
        for name in systems
    ]
    head = ("encoder", *(column_title(*key) for key in columns))
    return ResultTable("Score by target, per cent", head, tuple(rows))


def _panel(found: Measure, trained: list[str], others: list[str]) -> Panel:
    shown = [
        (f"{name} less {other}", found.cells.difference(name, other))
        for name in trained
        for other in others
    ]
    return Panel(found.name, "points", estimates=shown)


def _numbers(
    measures: Sequence[Measure], systems: list[str], trained: list[str], others: list[str]
) -> Iterable[tuple[str, Estimate]]:
    for found in measures:
        yield from ((f"{found.name}: {name}", found.cells.mean(name)) for name in systems)
        for name in trained:
            for other in others:
                yield f"{found.name}: {name} less {other}", found.cells.difference(name, other)


STUDY = Study("specialised", QUESTION, SpecialisedSettings, grids, analyse, measure)
