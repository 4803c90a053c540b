"""Parallel sentences as Tatoeba has them: two files, line by line translations."""

from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.readers.files import read_lines


def read_parallel(source: Path, target: Path) -> list[SentenceExample]:
    """All sentences of both sides, the source side first; ids are the side and the line number.

    Raises:
        UserError: see `read_lines`; an empty line, or sides of different lengths.
    """
    sides = [_side(source, "source"), _side(target, "target")]
    if len(sides[0]) != len(sides[1]):
        raise UserError(
            f"{len(sides[0])} lines for the {len(sides[1])} lines of {target.name}", file=source
        )
    return [
        SentenceExample(
            id=f"{side}-{line}",
            text=text,
            side="source" if side == "source" else "target",
            matches=(f"{'target' if side == 'source' else 'source'}-{line}",),
        )
        for side, rows in zip(("source", "target"), sides, strict=True)
        for line, text in rows
    ]


def _side(path: Path, name: str) -> list[tuple[int, str]]:
    rows = list(read_lines(path))
    for line, text in rows:
        if not text.strip():
            raise UserError(f"an empty sentence on the {name} side", file=path, line=line)
    return rows
