"""What was read from one file, before the files of a split are put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Read:
    """A file and its rows: examples, or what examples are put together from.

    As many rows as the file has examples of its own: questions, sentences, lines.
    """

    path: Path
    rows: Sequence[Any]


def rows_of(reads: Sequence[Read]) -> list[Any]:
    """The rows of several files, one after the other."""
    return [row for read in reads for row in read.rows]
