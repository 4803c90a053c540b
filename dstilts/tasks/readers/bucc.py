"""BUCC 2018: two sides of `id<TAB>sentence` lines and a file of pairs of ids."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.readers.columns import wrong_fields
from dstilts.tasks.readers.files import read_lines
from dstilts.tasks.readers.rows import Read, rows_of

Pair = tuple[str, str]  # an id and a sentence, or the ids of the two sides


def read_numbered_sentences(path: Path, spec: TaskSpec) -> list[Pair]:
    """`id<TAB>sentence` lines.

    Raises:
        UserError: see `read_lines`; another number of columns, an empty id or sentence, a duplicate
            id.
    """
    pairs = _pairs(path)
    seen: set[str] = set()
    for line, (name, _) in enumerate(pairs, start=1):
        if name in seen:
            raise UserError(f"duplicate id {name!r:.80}", file=path, line=line)
        seen.add(name)
    return pairs


def read_gold(path: Path, spec: TaskSpec) -> list[Pair]:
    """`id<TAB>id` lines: the sentences that translate each other.

    Raises:
        UserError: see `read_lines`; another number of columns, an empty id, a duplicate pair.
    """
    pairs = _pairs(path)
    if len(set(pairs)) < len(pairs):
        twice = next(pair for number, pair in enumerate(pairs) if pair in pairs[:number])
        raise UserError(f"the pair {' '.join(twice):.80} stands twice", file=path)
    return pairs


def mining(reads: Sequence[Sequence[Read]], language: str) -> list[SentenceExample]:
    """The sentences of both sides (files 1 and 2), with what they match by the gold pairs (file 3).

    Without a file of gold pairs nothing matches: XTREME's test split.

    Raises:
        UserError: a gold pair names a sentence that is not there.
    """
    matches: dict[str, list[str]] = {}
    known = {name for side in reads[:2] for name, _ in rows_of(side)}
    for read in reads[2] if len(reads) > 2 else ():
        for line, pair in enumerate(read.rows, start=1):
            for name, other in (pair, pair[::-1]):
                if name not in known:
                    raise UserError(
                        f"no sentence has the id {name!r:.80}", file=read.path, line=line
                    )
                matches.setdefault(name, []).append(other)
    sides: tuple[Literal["source", "target"], ...] = ("source", "target")
    return [
        SentenceExample(name, text, side, tuple(matches.get(name, ())))
        for side, files in zip(sides, reads[:2], strict=True)
        for name, text in rows_of(files)
    ]


def _pairs(path: Path) -> list[Pair]:
    pairs = []
    for line, text in read_lines(path):
        fields = text.split("\t")
        if len(fields) != 2:
            raise wrong_fields(path, line, 2, len(fields))
        if not fields[0].strip() or not fields[1].strip():
            raise UserError("an empty column", file=path, line=line)
        pairs.append((fields[0].strip(), fields[1]))
    return pairs
