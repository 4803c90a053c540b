"""Domain shift: whether multi-task intermediate training makes a shift of domain cost less."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dstilts.reporting.collect import BASELINE
from dstilts.studies.compare import Cells, Unit, fit_cells
from dstilts.studies.estimates import Estimate
from dstilts.studies.figure import Panel, figure
from dstilts.studies.limits import common_facts, common_limits
from dstilts.studies.result import ResultTable, StudyResult
from dstilts.studies.settings import StudySettings, require
from dstilts.studies.shifts import ALL, SIDES, Shift, Side, side_cell, sided_units
from dstilts.studies.study import Study, StudyRuns
from dstilts.studies.words import verdict
from dstilts.sweep.grid import Grid, Intermediate

QUESTION = (
    "Does multi-task intermediate training make a shift of domain cost less than single-task?"
)


@dataclass(frozen=True, kw_only=True)
class DomainShiftSettings(StudySettings):
    """Rows of one task and of several, and the shifts that their models meet."""

    intermediates: tuple[Intermediate, ...]
    shifts: tuple[Shift, ...]

    def __post_init__(self) -> None:
        require(not self.targets, "targets must not be given: the shifts make them")
        require(bool(self.shifts), "shifts must not be empty")
        counts = [len(row.tasks) for row in self.intermediates]
        require(
            1 in counts and max(counts, default=0) > 1,
            "intermediates must have a row of one task and one of several",
        )

    def groups(self) -> dict[str, list[str]]:
        """The rows with no task, one task, and several."""
        rows = self.intermediates
        return {
            "no intermediate task": [BASELINE],
            "one intermediate task": [row.name for row in rows if len(row.tasks) == 1],
            "several together": [row.name for row in rows if len(row.tasks) > 1],
        }


@dataclass(frozen=True)
class ShiftEffects:
    """One shift: what it costs after each group of rows, and what the last group saves."""

    shift: Shift
    cells: Cells
    costs: Mapping[str, Estimate]  # points, by group of rows
    less: Mapping[str, Estimate]  # cost after several tasks less that after the group
    ahead: Mapping[str, Estimate]  # score on the shifted side, several less the group


def grids(settings: DomainShiftSettings) -> tuple[Grid, ...]:
    """One grid: all rows, and the targets of all shifts."""
    targets = [target for shift in settings.shifts for target in shift.targets()]
    return (settings.grid("domainshift", settings.intermediates, targets=targets),)


def analyse(settings: DomainShiftSettings, runs: StudyRuns) -> StudyResult:
    """Costs of every shift after every group of rows, compared."""
    scores = runs.scores()
    effects = [
        _effects(settings, shift, sided_units(settings, runs, shift)) for shift in settings.shifts
    ]
    return StudyResult(
        study="domainshift",
        question=QUESTION,
        answer=tuple(line for found in effects for line in _answer(found)),
        limits=(*common_limits(settings, scores), *_limits(effects)),
        tables=tuple(table for found in effects for table in _tables(settings, found)),
        figure=figure([_panel(found) for found in effects]),
        caption=(
            "Points that the shift costs, and the difference that several intermediate tasks make "
            "to it, with 95 % intervals; filled where they leave 0 out."
        ),
        numbers={name: value for found in effects for name, value in _numbers(found).items()},
        facts=common_facts(settings, scores),
    )


def _effects(settings: DomainShiftSettings, shift: Shift, units: Sequence[Unit]) -> ShiftEffects:
    cells, groups = fit_cells(units), settings.groups()
    several = groups["several together"]
    cost = {name: _cost(shift, rows) for name, rows in groups.items()}
    shifted = {name: _on_side(shift, rows, "shifted") for name, rows in groups.items()}
    rest = [name for name in groups if groups[name] != several]
    return ShiftEffects(
        shift=shift,
        cells=cells,
        costs={name: cells.weighted(weights) for name, weights in cost.items()},
        less={n: cells.weighted(_minus(cost["several together"], cost[n])) for n in rest},
        ahead={n: cells.weighted(_minus(shifted["several together"], shifted[n])) for n in rest},
    )


def _cost(shift: Shift, rows: Sequence[str]) -> dict[str, float]:
    """In domain less shifted; of held-out domains less the same with all domains trained on.

    The second difference takes away how hard the domains are by themselves.
    """
    weights: dict[str, float] = {}
    for row in rows:
        for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
            weights[side_cell(row, shift.name, side)] = sign / len(rows)
            if shift.hold_out:
                weights[side_cell(row, shift.name + ALL, side)] = -sign / len(rows)
    return weights


def _on_side(shift: Shift, rows: Sequence[str], side: Side) -> dict[str, float]:
    return {side_cell(row, shift.name, side): 1 / len(rows) for row in rows}


def _minus(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {**one, **{name: one.get(name, 0.0) - weight for name, weight in other.items()}}


def _answer(found: ShiftEffects) -> list[str]:
    costs = "; ".join(f"after {name} {value.words()}" for name, value in found.costs.items())
    what = (
        f"leaving out {len(found.shift.hold_out)} domains"
        if found.shift.hold_out
        else f"going from {', '.join(sorted({*found.shift.evaluate} - {*found.shift.shifted}))} to "
        f"{', '.join(found.shift.shifted)}"
    )
    lines = [f"In {found.shift.name}, {what} costs, in points: {costs}."]
    for name, less in found.less.items():
        ahead = found.ahead[name]
        says = verdict(less, "the shift costs more", "it costs less")
        lines.append(
            f"Several tasks together change that cost against {name} by "
            f"{less.words(unit='points')}: {says}; "
            f"on the shifted side they score {ahead.words(unit='points')}: {verdict(ahead)}."
        )
    return lines


def _limits(effects: Sequence[ShiftEffects]) -> list[str]:
    lines = []
    if any(found.shift.hold_out for found in effects):
        lines.append(
            "The held-out domains were chosen once: others may be nearer or farther. Their cost is "
            "measured against training on as many examples of all domains."
        )
    if any(found.shift.shifted for found in effects):
        lines.append(
            "Where whole evaluation sets are the shifted side, they may be harder by themselves: "
            "only the difference between rows tells of the shift."
        )
    lines.append("Intermediate tasks may have seen what a target holds out; the rows name them.")
    return lines


def _tables(settings: DomainShiftSettings, found: ShiftEffects) -> list[ResultTable]:
    rows = [BASELINE, *(row.name for row in settings.intermediates)]
    means = [
        (
            row,
            target.name,
            *(
                found.cells.mean(side_cell(row, target.name, side)).per_cent().short(".1f")
                for side in SIDES
            ),
        )
        for row in rows
        for target in found.shift.targets()
    ]
    effects = [
        *((f"cost after {name}", value.short()) for name, value in found.costs.items()),
        *((f"cost, several less {name}", value.short()) for name, value in found.less.items()),
        *((f"shifted, several less {name}", value.short()) for name, value in found.ahead.items()),
    ]
    title = found.shift.name
    return [
        ResultTable(f"{title}: effects", ("effect", "points [95 % interval]"), tuple(effects)),
        ResultTable(
            f"{title}: mean over languages, per cent [95 % interval]",
            ("intermediate", "trained on", *SIDES),
            tuple(means),
            num_words=2,
        ),
    ]


def _panel(found: ShiftEffects) -> Panel:
    shown = [
        *((f"cost after {name}", value) for name, value in found.costs.items()),
        *((f"several less {name}", value) for name, value in found.less.items()),
    ]
    return Panel(f"Cost of the shift, {found.shift.name}", "points", estimates=shown)


def _numbers(found: ShiftEffects) -> dict[str, Estimate | float | None]:
    title = found.shift.name
    return {
        **{f"{title}: cost after {name}": value for name, value in found.costs.items()},
        **{f"{title}: cost, several less {name}": value for name, value in found.less.items()},
        **{f"{title}: shifted, several less {n}": value for n, value in found.ahead.items()},
    }


STUDY = Study("domainshift", QUESTION, DomainShiftSettings, grids, analyse)
