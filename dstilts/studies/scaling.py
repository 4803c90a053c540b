"""Scaling: how scores in each language rise with the examples of an intermediate task."""

from dataclasses import dataclass
from statistics import fmean

from dstilts.engine.phase import TaskUse
from dstilts.reporting.tables import language_name
from dstilts.reporting.text import count, listing, score
from dstilts.studies.compare import columns_of
from dstilts.studies.curves import ColumnCurves, column_curves
from dstilts.studies.distance import distances
from dstilts.studies.estimates import Estimate
from dstilts.studies.figure import Panel, Series, figure
from dstilts.studies.fits import Curve
from dstilts.studies.limits import common_facts, common_limits
from dstilts.studies.result import ResultTable, StudyResult
from dstilts.studies.settings import StudySettings, require
from dstilts.studies.study import Study, StudyRuns
from dstilts.studies.words import column_title
from dstilts.sweep.grid import Grid, Intermediate
from dstilts.tasks.languages import LANGUAGES

QUESTION = (
    "How does transfer grow with the examples of an intermediate task, and where does it end?"
)


@dataclass(frozen=True, kw_only=True)
class ScalingSettings(StudySettings):
    """One intermediate task at several sizes."""

    task: str
    sizes: tuple[int, ...]  # examples; evenly spaced in logarithm tells most
    least_gain: float = 1.0  # points a doubling must give for returns not to be called diminished

    def __post_init__(self) -> None:
        require(bool(self.targets), "targets must not be empty")
        require(len(set(self.sizes)) >= 3, "sizes must be three different ones at least")
        require(
            len(set(self.sizes)) * len(self.seeds) >= 4, "sizes times seeds must be four at least"
        )
        require(self.least_gain > 0, "least_gain must be greater than 0")


def grids(settings: ScalingSettings) -> tuple[Grid, ...]:
    """One grid with a row for each size."""
    rows = [
        Intermediate(_row(settings, size), (TaskUse(settings.task, examples=size),))
        for size in settings.sizes
    ]
    return (settings.grid("scaling", rows),)


def analyse(settings: ScalingSettings, runs: StudyRuns) -> StudyResult:
    """Fits, correlations and what they say."""
    scores = runs.scores()
    size_of = {_row(settings, size): size for size in settings.sizes}
    found = [
        column_curves(
            column_title(*key),
            [each for each in scores if (each.cell.target, each.task) == key],
            size_of,
            settings.least_gain,
        )
        for key in columns_of(scores)
    ]
    return StudyResult(
        study="scaling",
        question=QUESTION,
        answer=tuple(line for column in found for line in _answer(settings, column)),
        limits=(
            *common_limits(settings, scores),
            "A larger set is also trained on for more steps: examples and training are not told "
            "apart.",
            "Correlations take languages as independent; relatives are not, so their intervals are "
            "too narrow.",
        ),
        tables=tuple(table for column in found for table in _tables(column)),
        figure=figure([panel for column in found for panel in _panels(column)]),
        caption=(
            "Left: the mean over languages (points, one a run), the fitted curve, its 95 % band. "
            "Right: each language's points per doubling by its distance from English."
        ),
        numbers={name: value for column in found for name, value in _numbers(column)},
        facts=common_facts(settings, scores),
    )


def _row(settings: ScalingSettings, size: int) -> str:
    return f"{settings.task}-{size}"


def _answer(settings: ScalingSettings, column: ColumnCurves) -> list[str]:
    curve, sizes = column.curve, f"{count(min(settings.sizes))} and {count(max(settings.sizes))}"
    slope = curve.per_doubling
    lines = [
        f"On {column.title}, every doubling of the {settings.task} examples between {sizes} "
        f"changes the mean over {len(column.languages)} languages by {slope.words(unit='points')}"
        + ("." if slope.sign else ": no trend stands out from chance.")
    ]
    lines.append(_against_none(column))
    if curve.saturates:
        lines.append(_saturation(settings, curve))
    elif slope.sign > 0:
        shape = (
            "each doubling gives more than the one before"
            if curve.power.sign > 0
            else "a straight line in log size, power 0, is not excluded"
        )
        lines.append(
            f"No saturation is seen up to {count(max(settings.sizes))} examples: the power of the "
            f"curve is {curve.power.words('+.2f')}; {shape}."
        )
    lines += [
        f"The {name} of a language and its {measure} distance from English have a rank correlation "
        f"of {found.words('+.2f')}"
        + (
            ": " + ("farther is higher." if found.sign > 0 else "farther is lower.")
            if found.sign
            else ": no relation is shown."
        )
        for (name, measure), found in column.correlations.items()
        if found is not None and name != "bend"
    ]
    return lines


def _against_none(column: ColumnCurves) -> str:
    """The score without the task beside the largest size, and the sizes that do harm."""
    means = {
        size: fmean(value for n, value in column.points if n == size)
        for size in sorted({n for n, _ in column.points})
    }
    largest, below = max(means), [size for size, mean in means.items() if mean < column.before]
    text = f"Without the task it is {score(column.before)}, with {count(largest)} examples "
    text += f"{score(means[largest])}"
    return f"{text}; below it with {listing(map(count, below))}." if below else f"{text}."


def _saturation(settings: ScalingSettings, curve: Curve) -> str:
    assert curve.ceiling is not None
    ceiling = curve.ceiling
    bounded = ceiling.high is not None and ceiling.high < 100
    least = f"{settings.least_gain:g} point{'' if settings.least_gain == 1 else 's'}"
    text = "Returns diminish: the curve bends"
    text += (
        f" towards {ceiling.words('.1f', 'per cent')}"
        if bounded
        else f", though the ceiling, {score(ceiling.value)} per cent, is not bounded by these sizes"
    )
    if curve.diminish is None:
        return f"{text}; where a doubling gives {least} is not within them."
    return (
        f"{text}; a doubling gives less than {least} from "
        f"{curve.diminish.words(',.0f', 'examples')} on."
    )


def _tables(column: ColumnCurves) -> list[ResultTable]:
    rows = [
        (
            language_name(found.code),
            LANGUAGES[found.code].script if found.code in LANGUAGES else "",
            score(found.first),
            score(found.last),
            found.slope.short(),
            "yes" if found.curve.saturates else "not seen",
        )
        for found in sorted(column.languages, key=lambda found: -found.slope.value)
    ]
    related = [
        (name, measure, found.short("+.2f") if found else "too few languages")
        for (name, measure), found in column.correlations.items()
    ]
    head = ("language", "script", "smallest size", "largest size", "points a doubling", "saturates")
    return [
        ResultTable(f"{column.title} by language", head, tuple(rows), num_words=2),
        ResultTable(
            f"{column.title}: rank correlations over languages",
            ("what", "distance from English by", "correlation [95 % interval]"),
            tuple(related),
            num_words=2,
        ),
    ]


def _panels(column: ColumnCurves) -> list[Panel]:
    curve = column.curve
    sizes, means = zip(*column.points, strict=True)
    x, y, low, high = (
        found.tolist() for found in (curve.sizes, curve.scores, curve.low, curve.high)
    )
    first = Panel(
        title=f"{column.title} (none: {score(column.before)})",
        x_label="examples of the intermediate task",
        y_label="mean over languages, per cent",
        series=(
            Series("fit", x, y, low, high, line=True),
            Series("runs", sizes, means),
        ),
        log_x=True,
        ticks=sorted(set(sizes)),
    )
    measure = "typological"
    away = distances(measure, [found.code for found in column.languages])
    known = [found for found in column.languages if found.code in away]
    second = Panel(
        title="by language",
        x_label=f"{measure} distance from English",
        y_label="points a doubling",
        series=(
            Series(
                "",
                [away[found.code] for found in known],
                [found.slope.value for found in known],
                labels=[found.code for found in known],
            ),
        ),
    )
    return [first, second]


def _numbers(column: ColumnCurves) -> list[tuple[str, Estimate | float | None]]:
    curve = column.curve
    return [
        (f"{column.title}: without the task", column.before),
        (f"{column.title}: points per doubling", curve.per_doubling),
        (f"{column.title}: power", curve.power),
        (f"{column.title}: ceiling", curve.ceiling),
        (f"{column.title}: size of diminished returns", curve.diminish),
        *(
            (f"{column.title}: {name} against {measure} distance", found)
            for (name, measure), found in column.correlations.items()
        ),
        *((f"{column.title}: slope of {found.code}", found.slope) for found in column.languages),
    ]


STUDY = Study("scaling", QUESTION, ScalingSettings, grids, analyse)
