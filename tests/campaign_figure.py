"""The figure of a campaign: one line a run, its starts below each other, and what struck it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Start:
    """One start of a run: from where to where it came, and what happened to it where."""

    first: float
    last: float
    marks: Sequence[tuple[float, str]] = ()


def draw_starts(
    runs: dict[str, Sequence[Start]],
    marks: dict[str, str],
    path: Path,
    *,
    axis: str,
    title: str,
) -> None:
    """Draws runs by name into an SVG file.

    Args:
        marks: matplotlib's marker of each kind of event.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 0.45 * len(runs) + 1.5))
    for row, starts in enumerate(runs.values()):
        for number, start in enumerate(starts):
            height = row + 0.12 * (number - (len(starts) - 1) / 2)
            axes.plot([start.first, start.last], [height, height], color="0.55", linewidth=2)
            for place, kind in start.marks:
                axes.plot(place, height, marks[kind], color="tab:red", markersize=6)
    for kind, mark in marks.items():
        axes.plot([], [], mark, color="tab:red", label=kind)
    axes.set_yticks(range(len(runs)), list(runs), fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(axis)
    axes.set_title(title)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
