"""Curves over the size for the mean of all languages and for each, and what goes with distance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from dstilts.reporting.collect import BASELINE
from dstilts.studies.distance import MEASURES, distances
from dstilts.studies.estimates import Estimate
from dstilts.studies.fits import Curve, curve_fit, line_fit
from dstilts.studies.ranks import rank_correlation
from dstilts.studies.scores import Score


@dataclass(frozen=True)
class LanguageCurve:
    """One language: points per doubling, score at the largest size, bend of its curve."""

    code: str
    slope: Estimate
    first: float
    last: float
    curve: Curve


@dataclass(frozen=True)
class ColumnCurves:
    """The curve of the mean over languages, and those of the languages, of one column."""

    title: str
    points: Sequence[tuple[int, float]]
    before: float  # the mean without the intermediate task
    curve: Curve
    languages: Sequence[LanguageCurve]
    correlations: Mapping[tuple[str, str], Estimate | None]  # by what is ranked, and the distance


def column_curves(
    title: str, scores: Sequence[Score], size_of: Mapping[str, int], least_gain: float
) -> ColumnCurves:
    """The curves of one column.

    Args:
        scores: of the column, those without the intermediate task among them.
        size_of: the examples of each row of the grid.
        least_gain: see `curve_fit`.
    """
    sized = [s for s in scores if s.cell.row in size_of]
    runs: dict[tuple[int, str], list[float]] = {}
    for s in sized:
        runs.setdefault((size_of[s.cell.row], s.run), []).append(s.value)
    points = [(size, fmean(values)) for (size, _), values in sorted(runs.items())]
    curve = curve_fit(
        [size for size, _ in points],
        [value for _, value in points],
        title,
        least_gain=least_gain,
    )
    languages = [
        _language(code, [(size_of[s.cell.row], s.value) for s in sized if s.language == code])
        for code in dict.fromkeys(s.language for s in sized)
    ]
    return ColumnCurves(
        title=title,
        points=points,
        before=fmean(s.value for s in scores if s.cell.row == BASELINE),
        curve=curve,
        languages=languages,
        correlations=_correlations(languages),
    )


def _language(code: str, points: Sequence[tuple[int, float]]) -> LanguageCurve:
    sizes, values = zip(*sorted(points), strict=True)
    ends = {at: fmean(v for n, v in points if n == at) for at in (sizes[0], sizes[-1])}
    return LanguageCurve(
        code=code,
        slope=line_fit(sizes, values),
        first=ends[sizes[0]],
        last=ends[sizes[-1]],
        curve=curve_fit(sizes, values, code, replicates=400),
    )


def _correlations(
    languages: Sequence[LanguageCurve],
) -> dict[tuple[str, str], Estimate | None]:
    """Without English, which was trained on and has no distance."""
    found = {}
    for measure in MEASURES:
        known = distances(measure, [language.code for language in languages])
        rest = [language for language in languages if language.code in {*known} - {"en"}]
        away = [known[language.code] for language in rest]
        for name, values in (
            ("slope", [language.slope.value for language in rest]),
            ("score at the largest size", [language.last for language in rest]),
            ("bend", [-language.curve.power.value for language in rest]),
        ):
            found[name, measure] = rank_correlation(away, values)
    return found
