"""A plain table of words and numbers: built once, shown by the page, by Markdown and by LaTeX."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TextTable:
    """A table whose cells are written already.

    Attributes:
        slug: for anchors; unique in its part of the report.
        lead: a sentence or two above it: what a row is, and what the numbers are.
        note: a sentence below it.
        num_words: of the first columns, which hold words; the others hold numbers.
        details: a second, smaller line of each cell; in brackets where a cell has only one.
            Empty: none.
        shades: from -100 (a full loss) to 100 (a full gain) for each cell; empty: no colours.
        is_folded: whether the page shows it only when asked to.
    """

    slug: str
    title: str
    lead: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    num_words: int = 1
    note: str = ""
    details: tuple[tuple[str, ...], ...] = ()
    shades: tuple[tuple[int, ...], ...] = ()
    is_folded: bool = False
