"""Code-switching: intermediate training on English with words of other languages in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Literal

from dstilts.engine.phase import TaskUse
from dstilts.reporting.collect import BASELINE
from dstilts.reporting.text import score
from dstilts.studies.compare import columns_of, fit_cells, unit
from dstilts.studies.estimates import Estimate
from dstilts.studies.figure import Panel, Series, figure
from dstilts.studies.limits import common_facts, common_limits
from dstilts.studies.mixed import fit_mixed
from dstilts.studies.result import ResultTable, StudyResult
from dstilts.studies.scores import Score
from dstilts.studies.settings import StudySettings, require
from dstilts.studies.study import Study, StudyRuns
from dstilts.studies.words import column_title, verdict
from dstilts.sweep.grid import Grid, Intermediate
from dstilts.tasks.transform.apply import TransformConfig
from dstilts.tasks.transform.code_switch import CodeSwitch
from dstilts.tasks.transform.lexicon import LexiconName

QUESTION = "Does code-switched intermediate training transfer better than English alone?"
ENGLISH = "english"


@dataclass(frozen=True, kw_only=True)
class CodeSwitchSettings(StudySettings):
    """The same intermediate tasks, with more and more of their words replaced."""

    tasks: tuple[TaskUse, ...]
    rates: tuple[float, ...]  # the chance of every word that a lexicon has
    languages: dict[str, tuple[str, ...]]  # sets of languages that words are replaced by, by name
    per: Literal["word", "example"] = "word"  # for which one of the languages is drawn
    lexicon: LexiconName = "phrasebook"
    folder: Path | None = None  # of the lexicon's files
    switch_seed: int = 1

    def __post_init__(self) -> None:
        require(bool(self.targets), "targets must not be empty")
        require(bool(self.tasks), "tasks must not be empty")
        require(
            bool(self.rates) and min(self.rates) > 0 and max(self.rates) <= 1,
            "rates must be above 0 and at most 1: English alone is always there",
        )
        require(bool(self.languages), "languages must name a set at least")
        needs = self.lexicon != "phrasebook"
        require(
            (self.folder is not None) == needs,
            f"folder must {'' if needs else 'not '}be given for lexicon = {self.lexicon!r}",
        )


@dataclass(frozen=True)
class Switched:
    """A row: which words, at which rate."""

    name: str
    languages: tuple[str, ...]
    rate: float


@dataclass(frozen=True)
class Effects:
    """What switching does on one column, or on all."""

    title: str
    rows: Sequence[tuple[Switched, Estimate]]  # less English alone
    per_tenth: Estimate  # points for every tenth of the words
    switched_more: Estimate | None  # the same, in the switched languages less in the others


def grids(settings: CodeSwitchSettings) -> tuple[Grid, ...]:
    """One grid: English alone, and each set of languages at each rate."""
    rows = [Intermediate(ENGLISH, settings.tasks)]
    for found in _switched(settings):
        options = CodeSwitch(
            languages=found.languages,
            rate=found.rate,
            per=settings.per,
            lexicon=settings.lexicon,
            folder=settings.folder,
            seed=settings.switch_seed,
        )
        transform = TransformConfig(code_switch=options)
        uses = tuple(replace(use, transform=transform) for use in settings.tasks)
        rows.append(Intermediate(found.name, uses))
    return (settings.grid("codeswitch", rows),)


def analyse(settings: CodeSwitchSettings, runs: StudyRuns) -> StudyResult:
    """Differences to English alone, and the slope over the rate."""
    scores = runs.scores()
    columns = columns_of(scores)
    trained = [found for found in scores if found.cell.row != BASELINE]
    whole = _effects(settings, trained, "all targets") if len(columns) > 1 else None
    each = [
        _effects(
            settings,
            [found for found in trained if (found.cell.target, found.task) == key],
            column_title(*key),
        )
        for key in columns
    ]
    first = whole or each[0]
    return StudyResult(
        study="codeswitch",
        question=QUESTION,
        answer=(*_answer(first, each if whole else []), _before(scores)),
        limits=(
            *common_limits(settings, scores),
            f"Words come from the lexicon {settings.lexicon!r}, one for one, without "
            "inflection or order: no text that people write. The rate is the chance of a word that "
            "the lexicon has, so fewer words are replaced.",
        ),
        tables=(_table([*([whole] if whole else []), *each]), _means(scores)),
        figure=figure([_curve(settings, scores), _panel(first)]),
        caption=(
            "Left: the mean over languages by the rate of replaced words (points, one a run). "
            "Right: differences to English alone, 95 % intervals; filled where they leave 0 out."
        ),
        numbers={
            name: value
            for effects in [*([whole] if whole else []), *each]
            for name, value in _numbers(effects)
        },
        facts=common_facts(settings, scores),
    )


def _switched(settings: CodeSwitchSettings) -> list[Switched]:
    return [
        Switched(f"{name}-{rate:g}", languages, rate)
        for name, languages in settings.languages.items()
        for rate in settings.rates
    ]


def _effects(settings: CodeSwitchSettings, scores: Sequence[Score], title: str) -> Effects:
    cells = fit_cells([unit(s.cell.row, s.cell, s.task, s.language, s.value) for s in scores])
    rows = [(found, cells.difference(found.name, ENGLISH)) for found in _switched(settings)]
    per_tenth, switched_more = _slopes(settings, scores)
    return Effects(title, rows, per_tenth, switched_more)


def _slopes(
    settings: CodeSwitchSettings, scores: Sequence[Score]
) -> tuple[Estimate, Estimate | None]:
    """Points for every tenth of the words: in the mean, and more in the switched languages.

    Slopes are the same for all sets of languages and all targets. The second one is measured
    inside every run; None where all languages are switched to, or none.
    """
    rows = {found.name: found for found in _switched(settings)}
    tenths, inside = [], []
    for found in scores:
        row = rows.get(found.cell.row)
        tenths.append(10 * row.rate if row else 0.0)
        inside.append(tenths[-1] if row and found.language in row.languages else 0.0)
    fixed = {
        f"in {target} {name}": [
            float((found.cell.target, found.task) == (target, name)) for found in scores
        ]
        for target, name in columns_of(scores)
    }
    groups: dict[str, list[object]] = {
        "intermediate training": [(found.cell.row, found.cell.seed) for found in scores],
        "run": [found.run for found in scores],
        "language": [f"{found.task} {found.language}" for found in scores],
    }
    y = [found.value for found in scores]
    mean = fit_mixed(y, {**fixed, "tenth": tenths}, groups).effect("tenth")
    languages = {found.language for found in scores}
    switched = {code for found in rows.values() for code in found.languages}
    if not languages & switched or languages <= switched:
        return mean, None
    fit = fit_mixed(y, {**fixed, "tenth": tenths, "inside": inside}, groups)
    return mean, fit.effect("inside")


def _answer(first: Effects, each: Sequence[Effects]) -> list[str]:
    best, gain = max(first.rows, key=lambda row: row[1].value)
    lines = [
        f"On {first.title}, every tenth of the words that is switched changes the mean over "
        f"languages by {first.per_tenth.words('+.2f', 'points')}: {verdict(first.per_tenth)}.",
        f"The best of {len(first.rows)} kinds of switching, {best.name}, differs from English "
        f"alone by {gain.words(unit='points')}: {verdict(gain)}; as the best of several it is "
        "flattered.",
    ]
    if first.switched_more is not None:
        more = first.switched_more
        lines.append(
            "Languages that words are switched to gain more than the others by "
            f"{more.words('+.2f', 'points')} a tenth: {verdict(more)}."
        )
    if each:
        parts = [
            f"{found.title} {found.per_tenth.words('+.2f')}, {verdict(found.per_tenth)}"
            for found in each
        ]
        lines.append(f"By target, points a tenth: {'; '.join(parts)}.")
    return lines


def _before(scores: Sequence[Score]) -> str:
    """English alone beside no intermediate task: what the comparison stands on."""
    none, english = (
        score(fmean(found.value for found in scores if found.cell.row == row))
        for row in (BASELINE, ENGLISH)
    )
    return f"Mean over all: {none} without intermediate training, {english} after English alone."


def _table(found: Sequence[Effects]) -> ResultTable:
    rows = []
    for effects in found:
        rows += [(row.name, effects.title, value.short()) for row, value in effects.rows]
        rows.append(("every tenth of the words", effects.title, effects.per_tenth.short("+.2f")))
        if effects.switched_more is not None:
            more = effects.switched_more.short("+.2f")
            rows.append(("the same, more in switched languages", effects.title, more))
    head = ("switching", "target", "points [95 % interval]")
    return ResultTable("Less English alone", head, tuple(rows), num_words=2)


def _means(scores: Sequence[Score]) -> ResultTable:
    columns = columns_of(scores)
    rows = []
    for row in dict.fromkeys(found.cell.row for found in scores):
        means = [
            fmean(
                found.value
                for found in scores
                if (found.cell.row, found.cell.target, found.task) == (row, *key)
            )
            for key in columns
        ]
        rows.append((row, *map(score, means)))
    head = ("intermediate", *(column_title(*key) for key in columns))
    return ResultTable("Mean over languages, per cent", head, tuple(rows))


def _curve(settings: CodeSwitchSettings, scores: Sequence[Score]) -> Panel:
    """A colour each column: one point a run over the rate, sets of languages together."""
    rates = {found.name: found.rate for found in _switched(settings)} | {ENGLISH: 0.0}
    series = []
    for place, key in enumerate(columns_of(scores)):
        runs: dict[tuple[str, str], list[float]] = {}
        for found in scores:
            if found.cell.row in rates and (found.cell.target, found.task) == key:
                runs.setdefault((found.cell.row, found.run), []).append(found.value)
        x = [rates[row] for row, _ in runs]
        series.append(Series(column_title(*key), x, list(map(fmean, runs.values())), colour=place))
    return Panel("Score by rate", "rate of switching", "per cent", series=series)


def _panel(first: Effects) -> Panel:
    shown = [(row.name, value) for row, value in first.rows]
    return Panel(f"Against English alone, {first.title}", "points", estimates=shown)


def _numbers(effects: Effects) -> list[tuple[str, Estimate | None]]:
    return [
        *((f"{effects.title}: {row.name} less English alone", v) for row, v in effects.rows),
        (f"{effects.title}: points per tenth of the words", effects.per_tenth),
        (f"{effects.title}: the same, more in switched languages", effects.switched_more),
    ]


STUDY = Study("codeswitch", QUESTION, CodeSwitchSettings, grids, analyse)
