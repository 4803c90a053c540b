"""Diversity: one budget of examples, split over one to nine intermediate tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from dstilts.core.random_numbers import stream
from dstilts.engine.phase import TaskUse
from dstilts.reporting.collect import BASELINE
from dstilts.reporting.text import count, listing, score
from dstilts.studies.estimates import Estimate
from dstilts.studies.figure import Panel, Series, figure
from dstilts.studies.limits import common_facts, common_limits
from dstilts.studies.mixed import MixedFit, fit_mixed
from dstilts.studies.result import ResultTable, StudyResult
from dstilts.studies.scores import Score
from dstilts.studies.settings import StudySettings, require
from dstilts.studies.study import Study, StudyRuns
from dstilts.studies.words import column_title, verdict
from dstilts.sweep.grid import Grid, Intermediate
from dstilts.tasks.catalog import task

QUESTION = (
    "Is a budget of examples better spent on more intermediate tasks, on other ones, or on one?"
)

DOUBLE_TASKS, DOUBLE_BUDGET = "a doubling of the tasks", "a doubling of the budget"


@dataclass(frozen=True, kw_only=True)
class DiversitySettings(StudySettings):
    """Sets of tasks, each at every budget."""

    tasks: tuple[str, ...]
    budgets: tuple[int, ...]  # examples over all tasks of a set
    numbers: tuple[int, ...]  # of tasks in a set
    sets: int = 3  # of each number at most; of one task all there are

    def __post_init__(self) -> None:
        require(bool(self.targets), "targets must not be empty")
        largest = max(self.numbers, default=0)
        require(0 < largest <= len(self.tasks), "numbers must be from 1 to the number of tasks")
        require(min(self.numbers) > 0, "numbers must be greater than 0")
        require(
            bool(self.budgets) and min(self.budgets) >= largest,
            "budgets must have an example for every task",
        )


@dataclass(frozen=True)
class Gain:
    """The mean over languages after one set of tasks, less that after none."""

    tasks: tuple[str, ...]
    budget: int
    seed: int | None
    column: str
    value: float


@dataclass(frozen=True)
class Regression:
    """The effects on one column, or on all."""

    title: str
    effects: dict[str, Estimate]
    fit: MixedFit
    gains: Sequence[Gain]
    without_kinds: bool  # the sets are too few to tell kinds apart


def task_sets(settings: DiversitySettings) -> list[tuple[str, ...]]:
    """The sets of each number, such that every task stands in about as many of them.

    A random order of the tasks is cut into runs of the number, around the end, then another one.
    """
    found: list[tuple[str, ...]] = []
    for number in settings.numbers:
        wanted = len(settings.tasks) if number == 1 else settings.sets
        sets: set[tuple[str, ...]] = set()
        for attempt in range(50):
            order = stream("task sets", number, attempt).permutation(len(settings.tasks))
            for start in range(0, len(order), number):
                chosen = np.take(order, range(start, start + number), mode="wrap")
                if len(sets) < wanted:
                    sets.add(tuple(settings.tasks[index] for index in sorted(chosen.tolist())))
        found += sorted(sets, key=lambda names: [settings.tasks.index(name) for name in names])
    return found


def grids(settings: DiversitySettings) -> tuple[Grid, ...]:
    """One grid with a row for every set at every budget."""
    rows = [
        Intermediate(_row(names, budget), _uses(names, budget))
        for names in task_sets(settings)
        for budget in settings.budgets
    ]
    return (settings.grid("diversity", rows),)


def analyse(settings: DiversitySettings, runs: StudyRuns) -> StudyResult:
    """The regression on all columns together and on each."""
    scores = runs.scores()
    gains = _gains(settings, scores)
    columns = list(dict.fromkeys(gain.column for gain in gains))
    whole = _regress(settings, gains, "all targets" if len(columns) > 1 else columns[0])
    each = [
        _regress(settings, [gain for gain in gains if gain.column == column], column)
        for column in (columns if len(columns) > 1 else ())
    ]
    return StudyResult(
        study="diversity",
        question=QUESTION,
        answer=tuple(_answer(whole)),
        limits=(*common_limits(settings, scores), *_limits(settings, whole)),
        tables=(_effects_table([whole, *each]), _gains_table(settings, gains)),
        figure=figure([_by_number(gains), _effects_panel(whole)]),
        caption=(
            "Left: gain over no intermediate task by the number of tasks that share the budget "
            "(one point a run). Right: effects of the mixed regression with 95 % intervals; "
            "filled where they leave 0 out."
        ),
        numbers={
            f"{found.title}: {name}": effect
            for found in (whole, *each)
            for name, effect in found.effects.items()
        },
        facts=common_facts(settings, scores),
    )


def _row(names: Sequence[str], budget: int) -> str:
    return f"{'+'.join(names)}-{budget}"


def _uses(names: Sequence[str], budget: int) -> tuple[TaskUse, ...]:
    """Equal shares; what is left over goes to the first tasks."""
    share, rest = divmod(budget, len(names))
    return tuple(TaskUse(name, examples=share + (index < rest)) for index, name in enumerate(names))


def _gains(settings: DiversitySettings, scores: Sequence[Score]) -> list[Gain]:
    """Paired by seed; a target that is not trained for has one baseline for all seeds."""
    rows = {_row(n, b): (n, b) for n in task_sets(settings) for b in settings.budgets}
    means: dict[tuple[str, str, int | None], list[float]] = {}
    for found in scores:
        key = (found.cell.row, column_title(found.cell.target, found.task), found.cell.seed)
        means.setdefault(key, []).append(found.value)
    gains = []
    for (row, column, seed), values in means.items():
        if row != BASELINE:
            base = means.get((BASELINE, column, seed)) or means[BASELINE, column, None]
            gains.append(Gain(*rows[row], seed, column, fmean(values) - fmean(base)))
    return gains


def _regress(settings: DiversitySettings, gains: Sequence[Gain], title: str) -> Regression:
    """Gain by log number of tasks, log budget and kinds; random task sets, seeds and runs."""
    columns = {
        f"at one task: {name}": [float(gain.column == name) for gain in gains]
        for name in dict.fromkeys(gain.column for gain in gains)
    }
    if len(set(settings.numbers)) > 1:
        columns[DOUBLE_TASKS] = [float(np.log2(len(gain.tasks))) for gain in gains]
    if len(set(settings.budgets)) > 1:
        least = min(settings.budgets)
        columns[DOUBLE_BUDGET] = [float(np.log2(gain.budget / least)) for gain in gains]
    kinds = _kinds(settings, gains)
    full = {**columns, **kinds}
    rank = np.linalg.matrix_rank(np.array(list(full.values())))
    sets = len({gain.tasks for gain in gains})
    without = rank < len(full) or sets < len(kinds) + 4
    groups: dict[str, list[object]] = {
        "task set": [gain.tasks for gain in gains],
        "seed": [gain.seed for gain in gains],
        "run": [(gain.tasks, gain.budget, gain.seed) for gain in gains],
    }
    fit = fit_mixed([gain.value for gain in gains], columns if without else full, groups)
    effects = {name: fit.effect(name) for name in fit.columns}
    return Regression(title, effects, fit, gains, without)


def _kinds(settings: DiversitySettings, gains: Sequence[Gain]) -> dict[str, list[float]]:
    """The share of each kind of task in a set, but for the first kind, which is the rest."""
    kinds = list(dict.fromkeys(task(name).kind for name in settings.tasks))
    return {
        f"{kind} tasks in place of {kinds[0]} tasks": [
            fmean(float(task(name).kind == kind) for name in gain.tasks) for gain in gains
        ]
        for kind in kinds[1:]
    }


def _answer(whole: Regression) -> list[str]:
    lines = []
    for name, subject in ((DOUBLE_TASKS, "at the same budget "), (DOUBLE_BUDGET, "")):
        if name in whole.effects:
            effect = whole.effects[name]
            lines.append(
                f"On {whole.title}, {subject}{name} changes the score by "
                f"{effect.words(unit='points')}: {verdict(effect)}."
            )
    kinds = {name: found for name, found in whole.effects.items() if "in place of" in name}
    lines += [
        f"{name[0].upper()}{name[1:]} change it by {found.words(unit='points')}: {verdict(found)}."
        for name, found in kinds.items()
    ]
    more, volume = whole.effects.get(DOUBLE_TASKS), whole.effects.get(DOUBLE_BUDGET)
    if more and volume:
        gap = whole.fit.contrast({DOUBLE_TASKS: 1.0, DOUBLE_BUDGET: -1.0})
        lines.append(
            f"Twice the tasks less twice the examples: {gap.words(unit='points')}: "
            f"{verdict(gap, 'more tasks do better', 'more examples do better')}."
        )
    parts = [f"{score(found)} by {name}" for name, found in whole.fit.sd.items()]
    lines.append(f"Gains differ besides (standard deviation in points): {listing(parts)}.")
    return lines


def _limits(settings: DiversitySettings, whole: Regression) -> list[str]:
    sets = len({gain.tasks for gain in whole.gains})
    lines = [
        "An example is a unit of every task here, though a choice of four is read four times and a "
        "question brings its whole context: budgets are equal in examples, not in tokens.",
        f"{sets} sets of {len(settings.tasks)} tasks: effects hold for sets drawn like these.",
        "Effects add up in this regression: a kind that does harm only at the larger budget shows "
        "in both, and one such task can carry an effect. Read the gains below beside it.",
    ]
    if whole.without_kinds:
        lines.append("The sets are too few to tell the kinds of tasks apart.")
    return lines


def _effects_table(found: Sequence[Regression]) -> ResultTable:
    rows = [
        (name, regression.title, effect.short(), f"{effect.df:g}" if effect.df is not None else "")
        for regression in found
        for name, effect in regression.effects.items()
    ]
    head = (
        "effect on the gain over none",
        "target",
        "points [95 % interval]",
        "degrees of freedom",
    )
    return ResultTable("Mixed regression", head, tuple(rows), num_words=2)


def _gains_table(settings: DiversitySettings, gains: Sequence[Gain]) -> ResultTable:
    columns = list(dict.fromkeys(gain.column for gain in gains))
    rows = []
    for names in task_sets(settings):
        for budget in settings.budgets:
            mine = [gain for gain in gains if (gain.tasks, gain.budget) == (names, budget)]
            means = [[gain.value for gain in mine if gain.column == name] for name in columns]
            rows.append(
                (
                    " + ".join(names),
                    str(len(names)),
                    count(budget),
                    *(Estimate(fmean(values)).short() if values else "" for values in means),
                )
            )
    head = ("tasks", "number", "budget", *columns)
    return ResultTable("Gain over no intermediate task, points", head, tuple(rows))


def _by_number(gains: Sequence[Gain]) -> Panel:
    budgets = sorted({gain.budget for gain in gains})
    columns = list(dict.fromkeys(gain.column for gain in gains))
    series = [
        Series(
            f"{column}, {count(budget)} examples",
            # Beside each other where several series have the same number of tasks.
            [len(gain.tasks) * 1.03 ** (place - 1) for gain in mine],
            [gain.value for gain in mine],
            labels=[gain.tasks[0] if len(gain.tasks) == 1 else "" for gain in mine],
        )
        for place, (column, budget) in enumerate((c, b) for c in columns for b in budgets)
        for mine in [[g for g in gains if (g.column, g.budget) == (column, budget)]]
    ]
    numbers = sorted({len(gain.tasks) for gain in gains})
    return Panel(
        "One budget, more tasks",
        "tasks in the set",
        "gain over none, points",
        series=series,
        log_x=True,
        ticks=numbers,
    )


def _effects_panel(whole: Regression) -> Panel:
    shown = [(name, found) for name, found in whole.effects.items() if "at one task" not in name]
    return Panel(f"Effects on {whole.title}", "points", estimates=shown)


STUDY = Study("diversity", QUESTION, DiversitySettings, grids, analyse)
