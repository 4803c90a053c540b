"""The two sides of a mining job as files: sentences, ids, vectors, and gold pairs of their ids."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.readers.bucc import read_gold
from dstilts.tasks.readers.files import read_lines

_DTYPES = ("float16", "float32", "float64")
_SMALL = 65_536  # bytes


@dataclass(frozen=True)
class Side:
    """The sentences of one side: an id each, and their texts where they are known."""

    file: Path  # what errors name
    ids: list[str]
    texts: list[str] | None = None

    def __len__(self) -> int:
        return len(self.ids)


def read_sentences(file: Path, ids_file: Path | None = None) -> Side:
    """A sentence a line; the ids are the numbers of the lines from 1, or those of an id file.

    Blank lines are no sentences and are left out, with their numbers. An empty file is a side
    without sentences.

    Raises:
        UserError: a file is missing or broken, an id stands twice, or the counts differ.
    """
    lines = list(read_lines(file, may_be_empty=True))
    if ids_file is None:
        ids = [str(number) for number, _ in lines]
    else:
        ids = read_ids(ids_file).ids
        _check_counts(ids_file, len(ids), file, len(lines), "lines")
    kept = [place for place, (_, text) in enumerate(lines) if text.strip()]
    return Side(file, [ids[place] for place in kept], [lines[place][1] for place in kept])


def read_numbered(file: Path) -> Side:
    """The sentences of a file of `id<TAB>text` lines; those without a word are left out.

    Raises:
        UserError: as `read_ids`, or there are no texts.
    """
    side = read_ids(file)
    if not side.ids:
        return Side(file, [], [])
    if side.texts is None:
        remedy = "give `id<TAB>text` lines, or sentences or embeddings beside the ids"
        raise UserError("ids without texts", file=file, line=1, remedy=remedy)
    kept = [place for place, text in enumerate(side.texts) if text.strip()]
    return Side(file, [side.ids[place] for place in kept], [side.texts[place] for place in kept])


def read_ids(file: Path) -> Side:
    """A file of `id` or `id<TAB>text` lines, all of one kind; an empty one is an empty side.

    Raises:
        UserError: the file is missing or broken, an id is empty or stands twice, or only some lines
            have a text.
    """
    ids: dict[str, int] = {}
    texts: list[str] = []
    for line, row in read_lines(file, may_be_empty=True):
        name, tab, text = row.partition("\t")
        name = name.strip()
        if not name:
            remedy = "give an id, or an id, a tab and a text, on every line"
            raise UserError("a line without an id", file=file, line=line, remedy=remedy)
        if name in ids:
            problem = f"the id {name!r:.80} stands on line {ids[name]} already"
            raise UserError(problem, file=file, line=line, remedy="give every sentence its own id")
        if line > 1 and bool(tab) != bool(texts):
            problem = "a text, where the lines before have none" if tab else "a line without a text"
            remedy = "give a text on every line, or on none"
            raise UserError(problem, file=file, line=line, remedy=remedy)
        ids[name] = line
        if tab:
            texts.append(text)
    return Side(file, list(ids), texts or None)


def read_vectors(file: Path, ids_file: Path | None = None) -> tuple[Side, npt.NDArray[Any]]:
    """A side whose vectors are the rows of a .npy file, which is mapped, not read.

    Without an id file the ids are the numbers of the rows, from 0.

    Raises:
        UserError: a file is missing or broken, the array is no matrix of floating point numbers, or
            the counts differ.
    """
    vectors = _mapped(file)
    if vectors.dtype.name not in _DTYPES or not vectors.dtype.isnative:
        remedy = f"save it as one of {', '.join(_DTYPES)}"
        raise UserError(f"vectors of type {vectors.dtype}", file=file, remedy=remedy)
    if vectors.ndim != 2 or (len(vectors) and not vectors.shape[1]):
        remedy = "save a matrix with one vector a row"
        raise UserError(f"an array of shape {vectors.shape}", file=file, remedy=remedy)
    if ids_file is None:
        return Side(file, list(map(str, range(len(vectors))))), vectors
    named = read_ids(ids_file)
    _check_counts(ids_file, len(named), file, len(vectors), "vectors")
    return Side(file, named.ids, named.texts), vectors


def read_gold_pairs(file: Path, source: Side, target: Side) -> set[tuple[str, str]]:
    """The `source id<TAB>target id` lines of a gold file.

    Raises:
        UserError: the file is missing, empty or broken, a pair stands twice, or a side has no
            sentence of an id.
    """
    pairs = read_gold(file, task("bucc2018"))
    sides = (("source", source, set(source.ids)), ("target", target, set(target.ids)))
    for line, pair in enumerate(pairs, start=1):
        for name, (which, side, known) in zip(pair, sides, strict=True):
            if name not in known:
                remedy = "give source id, tab, target id"
                problem = f"no {which} sentence has the id {name!r:.80} ({side.file.name})"
                raise UserError(problem, file=file, line=line, remedy=remedy)
    return set(pairs)


def check_widths(sides: Iterable[tuple[Side, npt.NDArray[Any]]]) -> None:
    """Raises a UserError where the vectors of two sides have different numbers of dimensions."""
    (_, first), (side, second) = sides
    if len(first) and len(second) and first.shape[1] != second.shape[1]:
        problem = f"vectors of {second.shape[1]} dimensions, the source's have {first.shape[1]}"
        raise UserError(problem, file=side.file, remedy="make both sides' with the same encoder")


def _mapped(file: Path) -> npt.NDArray[Any]:
    remedy = "give a .npy file of a matrix"
    try:
        # Nothing cannot be mapped: a file this small is read.
        is_small = file.stat().st_size <= _SMALL
        vectors: Any = np.load(file, mmap_mode=None if is_small else "r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError("no such file", file=file) from None
    except IsADirectoryError:
        raise UserError("is a folder, not a file", file=file, remedy=remedy) from None
    except (ValueError, EOFError) as error:
        raise UserError(f"cannot be mapped: {error}", file=file, remedy=remedy) from None
    if not isinstance(vectors, np.ndarray):
        raise UserError("an archive of arrays", file=file, remedy=remedy)
    return vectors


def _check_counts(ids_file: Path, num_ids: int, file: Path, number: int, what: str) -> None:
    if num_ids != number:
        problem = f"{num_ids} ids for the {number} {what} of {file}"
        raise UserError(problem, file=ids_file, remedy="give one id a line, in the same order")
