"""The report as Markdown: the same numbers as the page, for a pull request or a terminal pager."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from dstilts.reporting.cells import Estimate
from dstilts.reporting.changes import Changes, change_tables, summary
from dstilts.reporting.contents import Part, Report
from dstilts.reporting.effect_table import change
from dstilts.reporting.effects import Effect
from dstilts.reporting.grid import GridCell, gap_columns, gap_table, metric_tables
from dstilts.reporting.heatmap import Box, HeatMap
from dstilts.reporting.notes import caveats, column_facts, highlights, limits, run_facts, versions
from dstilts.reporting.phases import deviations
from dstilts.reporting.tables import Section, language_name
from dstilts.reporting.text import (
    MISSING,
    count,
    plural,
    score,
    signed,
    spread,
)
from dstilts.reporting.text_table import TextTable


def to_markdown(report: Report, changes: Changes | None = None) -> str:
    """The whole report as Markdown text."""
    blocks = [f"# {_escape(report.title)}"]
    blocks += [_escape(limits(part.section)) for part in report.parts]
    if changes:
        blocks += ["## What changed", _escape(summary(changes))]
        blocks += [block for found in change_tables(changes) for block in _text_table(found)]
    for part in report.parts:
        blocks += _part(part)
    for found in report.tables:
        blocks += _text_table(found, level=2)
    if deviations(report.phases):
        blocks.append(f"Other than in the paper: {_escape('; '.join(deviations(report.phases)))}.")
    return "\n\n".join(blocks) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], num_words: int = 1) -> str:
    """A Markdown table: the first `num_words` columns to the left, the others to the right."""
    align = ["---"] * num_words + ["---:"] * (len(head) - num_words)
    lines = [head, align, *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _text_table(found: TextTable, level: int = 3) -> Iterator[str]:
    yield f"{'#' * level} {_escape(found.title)}"
    if found.lead:
        yield _escape(found.lead)
    if found.rows:
        yield table(found.head, _one_line(found), found.num_words)
    if found.note:
        yield _escape(found.note)


def _one_line(found: TextTable) -> Iterator[Sequence[str]]:
    """The rows, details in brackets behind what they belong to."""
    if not found.details:
        yield from found.rows
        return
    for cells, details in zip(found.rows, found.details, strict=True):
        pairs = zip((cell.replace("*", "\\*") for cell in cells), details, strict=True)
        yield [f"{cell} [{detail}]" if detail else cell for cell, detail in pairs]


def _part(part: Part) -> Iterator[str]:
    section = part.section
    yield f"## {_escape(section.encoder)} on {_escape(section.source)}"
    yield "What these numbers cannot show:"
    yield "\n".join(f"- {_escape(line)}" for line in caveats(section, part.effects))
    yield "\n".join(f"- {name}: {_escape(value)}" for name, value in run_facts(section))
    stands_out = highlights(section, part.heatmaps)
    if stands_out:
        yield "\n".join(f"- {_escape(line)}" for line in stands_out)
    yield "### Intermediate by target"
    yield (
        "Mean over languages in per cent; in brackets the difference in points to no intermediate "
        "task, with its 95 % interval where it is known; * significant. Bold: highest of its "
        "column."
    )
    yield _grid(part)
    for found in (part.flags, part.effect_table):
        if found:
            yield from _text_table(found)
    yield "### By language"
    for heatmap in part.heatmaps:
        yield from _languages(heatmap)
    for found in (*part.groups, part.paper):
        if found:
            yield from _text_table(found)
    yield from _more_metrics(section)
    yield "### What the numbers are"
    yield _column_facts(section)
    yield "### Records"
    yield "Every number comes from a file `TASK.LANGUAGE.SPLIT.json` in one of these folders."
    yield _record_folders(section)
    yield "Versions: " + ", ".join(f"{name} {_escape(v)}" for name, v in versions(section)) + "."


def _grid(part: Part) -> str:
    head = ["intermediate", *(column.title for column in part.section.columns), "mean"]
    rows = []
    for row in part.grid:
        cells = [_grid_cell(cell) for cell in row.cells]
        mean = "incomplete"
        if row.mean:
            mean = _with_delta(row.mean, row.mean_delta, row.mean_effect)
        rows.append([row.row.name, *cells, mean])
    return table(head, rows)


def _grid_cell(cell: GridCell) -> str:
    text = _with_delta(cell.value, cell.delta, cell.effect)
    if cell.highest:
        text = f"**{text}**"
    if cell.value and not cell.complete:
        text += f", {cell.languages} of {plural(cell.expected, 'language')}"
    return text


def _with_delta(
    value: Estimate | None, delta: Estimate | None, effect: Effect | None = None
) -> str:
    if value is None:
        return MISSING
    changed = change(delta, effect).replace("*", "\\*")
    parts = [score(value.mean), spread(value.sd), f"({changed})" if changed else ""]
    return " ".join(filter(None, parts))


def _languages(heatmap: HeatMap) -> Iterator[str]:
    """Languages down, intermediates across: forty columns do not fit a Markdown page."""
    yield f"#### {_escape(heatmap.column.title)} ({heatmap.metric})"
    families = {code: family.name for family in heatmap.families for code in family.languages}
    lines = []
    for index, (code, family) in enumerate(families.items()):
        boxes = [_box(row.boxes[index]) for row in heatmap.rows]
        chance = heatmap.chance[index]
        lines.append([code, language_name(code), family, *boxes, score(chance) if chance else ""])
    names = [row.row.name for row in heatmap.rows]
    yield table(["code", "language", "family", *names, "chance"], lines, num_words=3)
    flagged = [f"{names}: {languages}" for names, languages in heatmap.at_chance]
    if flagged:
        yield f"At or below chance: {'; '.join(flagged)}."


def _box(box: Box) -> str:
    if box.score is None:
        return MISSING
    text = _with_delta(box.score, box.delta, box.effect)
    return f"{text} at chance" if box.at_chance else text


def _more_metrics(section: Section) -> Iterator[str]:
    for metrics in metric_tables(section):
        yield f"### All metrics: {_escape(metrics.column.title)}"
        lines = [[row.name, *map(_estimate, values)] for row, values in metrics.rows]
        yield table(["intermediate", *metrics.metrics], lines)
    columns = gap_columns(section)
    if columns:
        yield "### Zero-shot gap"
        yield "English minus the mean of the other languages, in points."
        lines = [[row.name, *map(_gap, values)] for row, values in gap_table(section)]
        yield table(["intermediate", *(column.title for column in columns)], lines)


def _estimate(value: Estimate | None) -> str:
    return _with_delta(value, None)


def _gap(value: Estimate | None) -> str:
    return " ".join((signed(value.mean), spread(value.sd))).strip() if value else MISSING


def _column_facts(section: Section) -> str:
    head = ["target", "metric", "split", "subset", "languages", "examples", "chance", "options"]
    lines = []
    for fact in column_facts(section):
        what = [fact.column.title, fact.metric, fact.split, fact.subset, fact.languages]
        lines.append([*what, fact.examples, fact.chance, fact.options])
    return table(head, lines, num_words=8)


def _record_folders(section: Section) -> str:
    """How many records of each cell stand in which folder."""
    folders: dict[tuple[str, str, str, str], int] = {}
    for column in section.columns:
        for r in section.column_records(column):
            seed = "" if r.seed is None else str(r.seed)
            place = (r.intermediate, column.title, f"`{PurePosixPath(r.file).parent}`", seed)
            folders[place] = folders.get(place, 0) + 1
    lines = [[*place, count(number)] for place, number in folders.items()]
    return table(["intermediate", "target", "folder", "seed", "records"], lines, num_words=3)


def _cell(text: str) -> str:
    return _escape(text).replace("|", "\\|")


def _escape(text: str) -> str:
    """One line that shows as it is: names from files must not become markup."""
    line = " ".join(text.split())
    return line.replace("<", "&lt;").replace("_", "\\_") if "`" not in line else line
