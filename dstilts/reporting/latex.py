"""The report's main tables as LaTeX with booktabs: a document that compiles, tables to copy."""

from collections.abc import Iterator, Sequence

from dstilts.reporting.contents import Part, Report
from dstilts.reporting.effect_table import change
from dstilts.reporting.grid import GridCell
from dstilts.reporting.notes import caveats, limits
from dstilts.reporting.text import MINUS, MISSING, score, spread
from dstilts.reporting.text_table import TextTable

_HEAD = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[a4paper,landscape,margin=15mm]{geometry}
\usepackage{array}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage{longtable}
\begin{document}"""

_WIDE = 40  # letters: a wider column of words is folded
_FOLDED = r">{\raggedright\arraybackslash}p{55mm}"
_PAGE_ROWS = 30  # a longer table goes over several pages

# A wide table is made as wide as the line; a narrow one keeps its size. A page of its own: LaTeX
# cannot hold back many floats.
_FLOAT = r"""\begin{table}[p]
\centering
%(title)s
\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%%
\begin{tabular}{%(columns)s}
\toprule
%(head)s
\midrule
%(lines)s
\bottomrule
\end{tabular}}
\end{table}
\clearpage"""

_LONG = r"""{\scriptsize
\begin{longtable}{%(columns)s}
%(title)s \\
\toprule
%(head)s
\midrule
\endhead
%(lines)s
\bottomrule
\end{longtable}}"""

# As they stand in running text; what pdflatex has no letter for is written by a command.
_WRITTEN = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    MINUS: "$-$",
    "\u00b1": r"$\pm$",
    "\u00a0": "~",
}


def to_latex(report: Report) -> str:
    """The grids with what they cannot show, and the plain tables."""
    blocks = [_HEAD, rf"\section*{{{escape(report.title)}}}"]
    blocks += [escape(limits(part.section)) for part in report.parts]
    for part in report.parts:
        blocks += _part(part)
    blocks += [table(found) for found in report.tables if found.rows]
    return "\n\n".join([*blocks, r"\end{document}"]) + "\n"


def escape(text: str) -> str:
    """One line that LaTeX sets as it is; letters outside Latin-1 become a question mark."""
    line = " ".join(text.split(" ")).replace("\n", " ")
    plain = "".join(_WRITTEN.get(letter, letter) for letter in line)
    return plain.encode("latin-1", errors="replace").decode("latin-1")


def table(found: TextTable, part: str = "runs") -> str:
    """A plain table with its title and lead as the caption.

    Args:
        part: of the report, for the label.
    """
    caption = " ".join(filter(None, (f"{found.title}.", found.lead, found.note)))
    rows = found.rows
    if found.details:
        rows = tuple(line for pair in zip(rows, found.details, strict=True) for line in pair)
    return _table(caption, f"{part}-{found.slug}", found.head, rows, found.num_words)


def _part(part: Part) -> Iterator[str]:
    section = part.section
    yield rf"\subsection*{{{escape(section.encoder)} on {escape(section.source)}}}"
    items = "\n".join(rf"\item {escape(line)}" for line in caveats(section, part.effects))
    yield f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
    yield _grid(part)
    found = (part.flags, part.effect_table, *part.groups, part.paper)
    yield from (table(one, part.slug) for one in found if one)


def _grid(part: Part) -> str:
    """Two lines a row: scores, and below them the differences to the row "none"."""
    head = ["intermediate", *(column.title for column in part.section.columns), "mean"]
    lines = []
    for row in part.grid:
        mean = score(row.mean.mean) if row.mean else MISSING
        lines.append([row.row.name, *map(_value, row.cells), mean])
        changes = [change(cell.delta, cell.effect) for cell in row.cells]
        if any(changes):
            lines.append(["", *changes, change(row.mean_delta, row.mean_effect)])
    return _table(
        "Mean over languages in per cent; below it the difference in points to no intermediate "
        "task, with its 95 % interval where it is known; * significant after Holm's correction.",
        f"{part.slug}-grid",
        head,
        lines,
        num_words=1,
    )


def _value(cell: GridCell) -> str:
    if cell.value is None:
        return MISSING
    partial = "" if cell.complete else f" ({cell.languages} of {cell.expected})"
    return f"{score(cell.value.mean)} {spread(cell.value.sd)}".strip() + partial


def _table(
    caption: str, label: str, head: Sequence[str], rows: Sequence[Sequence[str]], num_words: int
) -> str:
    columns = "".join(
        "r" if number >= num_words else _words(cells)
        for number, cells in enumerate(zip(head, *rows, strict=True))
    )
    title = rf"\caption{{{escape(caption)}}}\label{{tab:{label}}}"
    lines = "\n".join(map(_row, rows))
    if len(rows) > _PAGE_ROWS:
        return _LONG % {"columns": columns, "title": title, "head": _row(head), "lines": lines}
    return _FLOAT % {"columns": columns, "title": title, "head": _row(head), "lines": lines}


def _words(cells: Sequence[str]) -> str:
    """A column of words: as wide as they are, or folded."""
    return _FOLDED if max(map(len, cells)) > _WIDE else "l"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"
