"""The live view of runs as a table for a terminal, and as plain text."""

import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from dstilts.core.digest import KEY_LENGTH
from dstilts.core.logs import duration
from dstilts.reporting.live import LiveRun, State

_HEADINGS = ("run", "state", "step", "loss", "tokens/s", "MFU", "GiB", "left", "seen")
_RIGHT = frozenset({"step", "tokens/s", "MFU", "left"})
_STYLES: dict[State, str] = {
    "starting": "cyan",
    "running": "green",
    "stopped": "yellow",
    "finished": "dim",
    "failed": "bold red",
    "stalled": "bold magenta",
}
_WRAPPED = frozenset({"run", "loss", "GiB", "left", "seen"})
_KEY = re.compile(rf"-[0-9a-f]{{{KEY_LENGTH}}}$")  # what ends the name of a sweep's model
_FEW = 4  # ranks that are shown one by one


def rich_table(runs: Sequence[LiveRun], folder: Path, now: float) -> Group:
    """The table of a terminal; what is noted of runs stands below it."""
    table = Table(
        title=Text(_title(runs, folder, now)),
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        title_justify="left",
    )
    for heading in _HEADINGS:
        table.add_column(
            heading,
            justify="right" if heading in _RIGHT else "left",
            overflow="fold",
            no_wrap=heading not in _WRAPPED,
        )
    notes = []
    for run, name in zip(runs, short_names([run.name for run in runs]), strict=True):
        state, *rest = _cells(run, between="\n")
        style = _STYLES[run.state]
        table.add_row(name, Text(state, style), *rest, style="dim" if style == "dim" else "")
        if run.note:
            notes.append(Text.assemble((f"{name}: ", style), run.note))
    return Group(table, *notes)


def plain_text(runs: Sequence[LiveRun], folder: Path, now: float) -> str:
    """The same as lines of columns; what is noted of a run ends its line."""
    headings = (*_HEADINGS, "")
    names = short_names([run.name for run in runs])
    rows = [
        [name, *_cells(run, between=", "), run.note] for run, name in zip(runs, names, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [_title(runs, folder, now)]
    for row in (headings, *rows) if rows else ():
        cells = [
            cell.rjust(width) if heading in _RIGHT else cell.ljust(width)
            for heading, cell, width in zip(headings, row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def short_names(names: Sequence[str]) -> list[str]:
    """The names without the folders that all have, and without keys where they differ anyway."""
    parents = {name.rpartition("/")[0] for name in names}
    short = [name.rpartition("/")[2] for name in names] if len(parents) == 1 else [*names]
    without_key = [_KEY.sub("", name) for name in short]
    return without_key if len({*without_key}) == len(short) else short


def _title(runs: Sequence[LiveRun], folder: Path, now: float) -> str:
    counts = Counter(run.state for run in runs)
    states = ", ".join(f"{counts[state]} {state}" for state in _STYLES if counts[state])
    clock = time.strftime("%H:%M:%S", time.localtime(now))
    return f"{folder} at {clock}: {states or 'no runs yet'}"


def _cells(run: LiveRun, between: str) -> list[str]:
    """One text a heading after the first; of a finished run only what it came to."""
    is_over = run.state == "finished"
    return [
        run.state,
        f"{_or_unknown(run.num_taken)}/{_or_unknown(run.num_steps)}",
        between.join(_losses(run)[: 1 if is_over else None]),
        "" if run.tokens_per_second is None else f"{run.tokens_per_second:.0f}",
        "" if run.mfu is None else f"{100 * run.mfu:.0f} %",
        _memory(run.memory_gib),
        "" if run.seconds_left is None else duration(run.seconds_left),
        "" if is_over else _ages(run.ages),
    ]


def _losses(run: LiveRun) -> list[str]:
    """The step's loss, and each task's where there are several."""
    whole = [] if run.loss is None else [f"{run.loss:.4f}"]
    by_task = [f"{name} {loss:.2f}" for name, loss in run.losses.items()]
    return whole + by_task if len(by_task) > 1 else whole


def _memory(by_rank: Sequence[float]) -> str:
    if len(by_rank) <= _FEW:
        return " ".join(f"{value:.1f}" for value in by_rank)
    return f"{min(by_rank):.1f} to {max(by_rank):.1f} ({len(by_rank)} ranks)"


def _ages(by_rank: Sequence[float | None]) -> str:
    """Each rank's, or of many ranks the youngest and the oldest, and how many have none."""
    if len(by_rank) <= _FEW:
        return ", ".join("none" if age is None else _age(age) for age in by_rank)
    known = [age for age in by_rank if age is not None]
    without = f", {len(by_rank) - len(known)} without" if len(known) < len(by_rank) else ""
    return f"{_age(min(known))} to {_age(max(known))} ({len(by_rank)} ranks{without})"


def _age(seconds: float) -> str:
    # A clock of another host may be ahead.
    return duration(max(0.0, seconds))


def _or_unknown(number: int | None) -> str:
    return "?" if number is None else str(number)
