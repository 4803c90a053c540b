"""Parallel sentences as Tatoeba has them: two files, line by line translations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.readers.files import read_lines
from dstilts.tasks.readers.rows import Read

Side = Literal["source", "target"]


def read_sentences(path: Path, spec: TaskSpec) -> list[str]:
    """A sentence a line.

    Raises:
        UserError: see `read_lines`; an empty line.
    """
    sentences = []
    for line, text in read_lines(path):
        if not text.strip():
            raise UserError("an empty sentence", file=path, line=line)
        sentences.append(text)
    return sentences


def parallel(reads: Sequence[Sequence[Read]], language: str) -> list[SentenceExample]:
    """Both sides, the source side first; ids are the side and the line number.

    Raises:
        UserError: the sides have different lengths.
    """
    return [
        SentenceExample(f"{side}-{line}", text, side, (f"{other}-{line}",))
        for side, other, texts in _sides(reads)
        for line, text in enumerate(texts, start=1)
    ]


def shuffled(reads: Sequence[Sequence[Read]], language: str) -> list[SentenceExample]:
    """As `parallel` for XTREME's copies, whose English side is sorted: what matches is not known.

    Raises:
        UserError: the sides have different lengths.
    """
    return [
        SentenceExample(f"{side}-{line}", text, side, ())
        for side, _, texts in _sides(reads)
        for line, text in enumerate(texts, start=1)
    ]


def _sides(reads: Sequence[Sequence[Read]]) -> tuple[tuple[Side, Side, Sequence[str]], ...]:
    source, target = reads[0][0], reads[1][0]
    if len(source.rows) != len(target.rows):
        raise UserError(
            f"{len(source.rows)} lines for the {len(target.rows)} lines of {target.path.name}",
            file=source.path,
        )
    return (("source", "target", source.rows), ("target", "source", target.rows))
