"""The grid as a table on the terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dstilts.reporting.cells import Estimate
from dstilts.reporting.effects import Effect, Effects
from dstilts.reporting.grid import GridCell, GridRow, build_grid
from dstilts.reporting.notes import caveats
from dstilts.reporting.print_table import print_table
from dstilts.reporting.tables import Section
from dstilts.reporting.text import MISSING, score, signed, spread


def print_sections(
    sections: Sequence[Section], console: Console, found: Sequence[Effects] = ()
) -> None:
    """Prints each section's grid with what it cannot show below it.

    Args:
        found: the effects of each section, where they are known.
    """
    known = found or [Effects()] * len(sections)
    for section, effects in zip(sections, known, strict=True):
        print_table(grid_table(section, effects), console)
        for line in caveats(section, effects):
            console.print(Padding(Text(f"- {line}", style="dim"), (0, 0, 0, 1)))
        console.print()


def grid_table(section: Section, effects: Effects) -> Table:
    """The grid of a section: means over languages, with deltas to the baseline."""
    caption = "per cent, mean over languages; signed: points against none"
    if any(effect.low is not None for effect in effects.cells.values()):
        caption += ", with 95 % interval"
    if any(effect.p_holm is not None for effect in effects.cells.values()):
        caption += "; *: significant, corrected over the grid"
    table = Table(
        title=Text(f"{section.encoder} on {section.source}"),
        caption=caption,
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("intermediate", no_wrap=True)
    for column in section.columns:
        languages = f"{len(section.languages(column))} lang."
        head = Text.assemble(column.title, (f"\n{section.metric(column)}\n{languages}", "dim"))
        table.add_column(head, justify="right", overflow="fold")
    table.add_column("mean", justify="right", no_wrap=True)
    for row in build_grid(section, effects):
        table.add_row(Text(row.row.name), *map(_cell, row.cells), _mean(row))
    return table


def _mean(row: GridRow) -> Text:
    if row.mean is None:
        return Text("incomplete", "dim")
    return _with_change(row.mean, row.mean_delta, row.mean_effect)


def _cell(cell: GridCell) -> Text:
    style = "bold" if cell.highest else ""
    text = _with_change(cell.value, cell.delta, cell.effect, style)
    if cell.value and not cell.complete:
        text.append(f"\n{cell.languages} of {cell.expected} lang.", "yellow")
    if cell.at_chance:
        text.append(f"\n{cell.at_chance} at chance", "yellow")
    return text


def _with_change(
    value: Estimate | None, delta: Estimate | None, effect: Effect | None, style: str = ""
) -> Text:
    text = _numbers(value, Estimate(effect.delta, None) if effect else delta, style)
    if effect and effect.significant:
        text.append("*")
    if effect and effect.low is not None:
        text.append(f"\n{signed(effect.low)} to {signed(effect.high)}", "dim")
    return text


def _numbers(value: Estimate | None, delta: Estimate | None, style: str = "") -> Text:
    if value is None:
        return Text(MISSING, "dim")
    text = Text(" ".join(filter(None, (score(value.mean), spread(value.sd)))), style)
    if delta:
        colour = "cyan" if delta.mean > 0 else "magenta" if delta.mean < 0 else "dim"
        text.append(f" {signed(delta.mean):>5}", colour)
    return text
