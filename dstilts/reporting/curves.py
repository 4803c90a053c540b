"""Learning curves: small multiples of the loss by step, drawn as SVG in the page's own colours."""

import io
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dstilts.reporting.history import Point, thinned
from dstilts.reporting.phases import PhaseCost
from dstilts.reporting.text import listing, plural

MOST_POINTS = 100  # of a line: more are not seen at this size
NUM_COLOURS = 8  # of the page; further lines take them again, dashed
_WIDTH, _HEIGHT = 3.1, 1.75  # inches

# What is drawn in these colours takes the page's: light, dark or in print.
_INK, _LINE = "#010101", "#010102"
_PAGE = {_INK: "currentColor", _LINE: "var(--line)"}


@dataclass(frozen=True)
class Curve:
    """One run's losses."""

    label: str  # the phases before it; "none" without
    seed: int
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Panel:
    """The runs of one phase, whatever came before: losses on the same examples."""

    title: str
    role: str
    curves: tuple[Curve, ...]

    @property
    def words(self) -> str:
        """What a reader who sees no picture should know."""
        ends = [
            f"{c.label} from {c.points[0][1]:.3g} to {c.points[-1][1]:.3g}" for c in self.curves
        ]
        several = len({curve.seed for curve in self.curves}) > 1
        seeds = f" ({plural(len(self.curves), 'run')} over all seeds)" if several else ""
        return f"Loss by step of {self.title}{seeds}: {listing(ends)}."


def panels(phases: Sequence[PhaseCost]) -> list[Panel]:
    """A panel for each phase of the same name, role and tasks that has at least two points."""
    found: dict[tuple[str, str, tuple[str, ...]], list[Curve]] = defaultdict(list)
    for phase in phases:
        points = phase.history.points if phase.history else ()
        *before, name = phase.name.split(" > ")
        if len(points) > 1:
            curve = Curve(" > ".join(before) or "none", phase.seed, thinned(points, MOST_POINTS))
            found[name, phase.role, phase.tasks].append(curve)
    return [
        Panel(name, role, tuple(sorted(curves, key=lambda c: (c.label != "none", c.label, c.seed))))
        for (name, role, _), curves in found.items()
    ]


def labels(found: Sequence[Panel]) -> list[str]:
    """All labels, each once: their place decides on their colour in every panel."""
    return list(dict.fromkeys(curve.label for panel in found for curve in panel.curves))


def draw(panel: Panel, order: Sequence[str]) -> str:
    """A panel as SVG to stand inside a page: no outside reference, no colour of its own.

    Args:
        order: of all panels' labels, for their colours.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "dstilts", "font.size": 8}):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        FigureCanvasSVG(figure)
        _plot(figure.add_subplot(), panel, order)
        stream = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    return _for_page(stream.getvalue())


def style(label: str, order: Sequence[str]) -> tuple[int, bool]:
    """The number of a label's colour, from 0 (the ink, for "none"), and whether it is dashed."""
    if label == "none":
        return 0, False
    place = [name for name in order if name != "none"].index(label)
    return 1 + place % NUM_COLOURS, place >= NUM_COLOURS


def _plot(axes: Any, panel: Panel, order: Sequence[str]) -> None:
    width = 1.2 if len(panel.curves) < 8 else 0.8
    for curve in panel.curves:
        colour, is_dashed = style(curve.label, order)
        steps, losses = zip(*curve.points, strict=True)
        axes.plot(
            steps,
            losses,
            color=_INK if colour == 0 else f"#02020{colour}",
            linestyle="--" if is_dashed else "-",
            linewidth=1.5 if colour == 0 else width,
            zorder=3 if colour == 0 else 2,  # what the others are compared with is on top
            clip_on=False,  # a clipping path would be a reference by an id
        )
    axes.set_xlim(left=0)
    axes.locator_params(nbins=4)
    axes.tick_params(left=False, bottom=False, labelcolor=_INK, pad=2)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_LINE)
    axes.grid(axis="y", color=_LINE, linewidth=0.6, clip_on=False)


def _for_page(svg: str) -> str:
    """The <svg> element alone, without ids and name spaces, in the page's colours and font."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<defs>.*?</defs>|<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r'\s(?:xmlns(?::\w+)?|id|version|width|height|clip-path)="[^"]*"', "", svg)
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", svg)
    svg = re.sub(r"font-family: [^;\"]*;?", "", svg)
    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    svg = re.sub(r'<path [^>]*style="fill: none"/>', "", svg)  # empty backgrounds
    svg = re.sub(r"(\d+\.\d)\d+", r"\1", svg)
    for name, value in _PAGE.items():
        svg = svg.replace(name, value)
    svg = re.sub(r"#02020(\d)", r"var(--curve-\1)", svg)
    return re.sub(r"</?g>|\s*\n\s*", lambda found: " " if found[0].isspace() else "", svg)
