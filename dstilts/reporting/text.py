"""How numbers and lists are written in every form of the report."""

import re
from collections.abc import Collection, Iterable, Mapping

from dstilts.reporting.collect import Interval

MINUS = "\u2212"
MISSING = "missing"

_NUMBER = re.compile(r"\d+")

METRIC_TITLES = {
    "accuracy": "accuracy",
    "accuracy_xx_en": "accuracy, xx to en",
    "em": "exact match",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "token_accuracy": "token accuracy",
}


def metric_title(metric: str) -> str:
    """The metric's name for readers."""
    return METRIC_TITLES.get(metric, metric.replace("_", " "))


def score(value: float | None) -> str:
    """A score in per cent with one decimal; "missing" where there is none."""
    return MISSING if value is None else f"{value:.1f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """A difference in points with its sign, the minus a true one; empty where there is none."""
    if value is None:
        return ""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", MINUS)


def spread(value: float | None) -> str:
    """A standard deviation as "\u00b1 0.4"; empty where there is none."""
    return "" if value is None else f"\u00b1\u00a0{value:.1f}"


def interval(found: Interval) -> str:
    """ "95 % interval 60.1 to 64.2" """
    return f"{100 * found.level:g} % interval {score(found.low)} to {score(found.high)}"


def count(number: float | None) -> str:
    """A whole number with thousands set apart; empty where there is none."""
    return "" if number is None else f"{number:,.0f}"


def magnitude(number: float | None) -> str:
    """ "830", "12.4 k", "2.54 M": three digits that count; empty where there is none."""
    if number is None:
        return ""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:#.3g}".rstrip(".") + f" {unit}"
    return f"{number:.0f}"


def seconds(number: float | None) -> str:
    """A duration as "48 s", "3 min 20 s" or "2 h 05 min"; empty where there is none."""
    if number is None:
        return ""
    whole = round(number)
    if whole < 60:
        return f"{number:.1f} s" if number < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def hours(number: float) -> str:
    """Hours with two or three digits that count: "0.016", "2.41", "1,240"."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:#.3g}" if number >= 1 else f"{number:.2g}"


def p_value(number: float) -> str:
    """ "0.032", "< 0.001"."""
    return "< 0.001" if number < 0.001 else f"{number:.3f}"


def number_range(values: Collection[float], form: str = ",.0f") -> str:
    """ "500" where all values read the same, else "498 to 512"; empty for no values."""
    if not values:
        return ""
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def by_language(words: Mapping[str, str]) -> str:
    """What is said of each language, those together that differ in numbers only, most first.

    "9 of 20 to 80, drawn with seed 1; de fr: all".
    """
    alike: dict[str, dict[str, str]] = {}
    for code, said in words.items():
        alike.setdefault(_NUMBER.sub("0", said), {})[code] = said
    parts: list[str] = []
    for group in sorted(alike.values(), key=len, reverse=True):
        parts.append(f"{' '.join(group)}: {_joined(group)}" if parts else _joined(group))
    return "; ".join(parts)


def _joined(group: Mapping[str, str]) -> str:
    """One text for several, with ranges of numbers where they differ."""
    numbers = zip(*(map(int, _NUMBER.findall(said)) for said in group.values()), strict=True)
    ranges = (number_range(each) for each in numbers)
    return _NUMBER.sub(lambda _: next(ranges), next(iter(group.values())))


def plural(number: int, noun: str) -> str:
    """ "1 language", "40 languages"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listing(items: Iterable[str], last: str = "and") -> str:
    """ "a, b and c"."""
    *front, end = items
    return f"{', '.join(front)} {last} {end}" if front else end
