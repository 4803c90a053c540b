"""Figures as SVG that take the page's ink, so that they read on light and on dark ground."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dstilts.studies.estimates import Estimate

# Middle tones, told apart by most colour-blind readers, legible on white and on near-black.
COLOURS = ("#3b8ac4", "#d9822b", "#3a9d80", "#b0589a", "#8b8b2a", "#c4504a")
_INK = "#010203"  # replaced by the colour of the surrounding text
_STYLE = (
    "<style>:root{color:#1c2126}@media(prefers-color-scheme:dark){:root{color:#e6e9ec}}</style>"
)


@dataclass(frozen=True)
class Series:
    """Points or a line.

    Attributes:
        x, y: positions (N each).
        low, high: ends of a band, for lines, or of whiskers, for points.
        line: whether the points are joined and not marked.
        labels: words at the points.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    line: bool = False
    labels: Sequence[str] = ()
    colour: int | None = None


@dataclass(frozen=True)
class Panel:
    """One set of axes: curves and points, or a list of named estimates with their intervals."""

    title: str
    x_label: str
    y_label: str = ""
    series: Sequence[Series] = field(default=())
    estimates: Sequence[tuple[str, Estimate]] = field(default=())
    log_x: bool = False
    ticks: Sequence[float] = ()


def figure(panels: Sequence[Panel]) -> str:
    """The panels side by side as one SVG, the same bytes for the same content."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": "dstilts",
        "font.family": "sans-serif",
        "font.size": 10,
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
        "axes.edgecolor": _INK,
    }
    rows = max([len(panel.estimates) for panel in panels] or [0])
    with mpl.rc_context(settings):
        drawn = Figure(
            figsize=(5.2 * len(panels), max(3.6, 1.2 + 0.32 * rows)), layout="constrained"
        )
        for axes, panel in zip(
            drawn.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            _draw(axes, panel)
        text = io.StringIO()
        drawn.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :].replace(_INK, "currentColor")


def standalone(svg: str) -> str:
    """The SVG as a file of its own, which has no page to take its ink from."""
    end = svg.index(">") + 1
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg[:end]}{_STYLE}{svg[end:]}'


def _draw(axes: Any, panel: Panel) -> None:
    axes.set_title(panel.title, loc="left", fontsize=11)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(True, color=_INK, alpha=0.12, linewidth=0.8)
    if panel.log_x:
        axes.set_xscale("log")
    for index, series in enumerate(panel.series):
        _draw_series(axes, series, COLOURS[(series.colour or index) % len(COLOURS)])
    if panel.ticks:
        axes.set_xticks(list(panel.ticks), [f"{tick:g}" for tick in panel.ticks], minor=False)
        axes.minorticks_off()
    if panel.estimates:
        _draw_estimates(axes, panel.estimates)
    if sum(bool(series.label) for series in panel.series) > 1:
        axes.legend(frameon=False, fontsize=9)


def _draw_series(axes: Any, series: Series, colour: str) -> None:
    if series.line:
        axes.plot(series.x, series.y, color=colour, linewidth=2, label=series.label or None)
        if series.low is not None and series.high is not None:
            axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.2, lw=0)
        return
    axes.plot(series.x, series.y, "o", color=colour, markersize=5, label=series.label or None)
    if series.low is not None and series.high is not None:
        axes.vlines(series.x, series.low, series.high, color=colour, linewidth=1.5)
    for x, y, label in zip(series.x, series.y, series.labels, strict=False):
        axes.annotate(label, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=8)


def _draw_estimates(axes: Any, estimates: Sequence[tuple[str, Estimate]]) -> None:
    """A row each, the first on top; filled where the interval leaves 0 out."""
    axes.axvline(0, color=_INK, linewidth=1, alpha=0.5)
    for place, (_, found) in enumerate(reversed(estimates)):
        colour = COLOURS[0] if found.value >= 0 else COLOURS[1]
        face = colour if found.sign else "none"
        if found.low is not None:
            axes.hlines(place, found.low, found.high, color=colour, linewidth=2)
        axes.plot(found.value, place, "o", color=colour, markerfacecolor=face, markersize=6)
    names = [name for name, _ in reversed(estimates)]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
