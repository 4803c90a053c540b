"""Lines, columns and JSON of a data file, plain or .gz; every defect is named by file and line."""

import contextlib
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from dstilts.core.errors import UserError
from dstilts.tasks.examples import Example

E = TypeVar("E", bound=Example)

# A line of more characters is no example of any task here but a damaged file.
LONGEST_LINE = 1_000_000


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 text file with their numbers from 1, without line ends.

    A byte order mark is dropped and CRLF is a line end. Other characters that some libraries break
    lines at (U+2028, U+0085) stay part of the text.

    Raises:
        UserError: the file is missing, cut off (.gz), not UTF-8, or a line holds a NUL character or
            is longer than `LONGEST_LINE`.
    """
    number = 0
    with _opened(path) as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                problem = f"not UTF-8 (byte {error.start} of the line)"
                raise UserError(problem, file=path, line=number) from None
            if "\0" in line:
                raise UserError("a NUL character in the text", file=path, line=number)
            if len(line) > LONGEST_LINE:
                raise UserError(f"a line of {len(line)} characters", file=path, line=number)
            yield number, line


def read_columns(
    path: Path, columns: Sequence[str], broken_share: float = 0.0
) -> Iterator[tuple[int, list[str]]]:
    """The fields of a TSV file with a header, in the order of `columns`.

    Args:
        broken_share: of the lines, those with too few columns that are left out.

    Raises:
        UserError: see `read_lines`; the header lacks a column, a line has more, or more lines than
            `broken_share` have fewer.
    """
    header: list[str] | None = None
    chosen: list[int] = []
    broken: list[UserError] = []
    number = 0
    for number, line in read_lines(path):
        fields = line.split("\t")
        if header is None:
            header = fields
            for name in columns:
                if name not in header:
                    raise UserError(
                        f"column {name!r} is missing",
                        file=path,
                        line=number,
                        remedy=f"the header has: {', '.join(header)}",
                    )
            chosen = [header.index(name) for name in columns]
        elif len(fields) == len(header):
            yield number, [fields[index] for index in chosen]
        elif len(fields) > len(header) or not broken_share:
            raise wrong_fields(path, number, len(header), len(fields))
        else:
            broken.append(wrong_fields(path, number, len(header), len(fields)))
    if len(broken) > broken_share * number:
        raise broken[0]


def read_json_lines(path: Path, keys: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file with one JSON object a line, each with at least `keys`.

    Raises:
        UserError: see `read_lines`; a line is no JSON object, or lacks a key.
    """
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            problem = f"broken JSON: {error.msg}"
            raise UserError(problem, file=path, line=number) from None
        yield number, with_keys(value, keys, path, number)


def read_json_file(path: Path) -> Any:
    """The one JSON value of a file.

    Raises:
        UserError: the file is missing, cut off, not UTF-8, or no JSON.
    """
    with _opened(path) as stream:
        content = stream.read()
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 at byte {error.start}", file=path) from None
    except json.JSONDecodeError as error:
        raise UserError(
            f"broken JSON: {error.msg}", file=path, line=error.lineno, remedy="copy it again"
        ) from None


def with_keys(
    value: Any, keys: Sequence[str], path: Path, line: int | None = None
) -> dict[str, Any]:
    """`value`, if it is a JSON object with all of `keys`."""
    if not isinstance(value, Mapping):
        raise UserError("not a JSON object", file=path, line=line)
    for key in keys:
        if key not in value:
            raise UserError(f"key {key!r} is missing", file=path, line=line)
    return cast(dict[str, Any], value)


def text_at(row: Mapping[str, Any], key: str, path: Path, line: int | None = None) -> str:
    """`row[key]`, if it is a text."""
    value = row[key]
    if not isinstance(value, str):
        raise UserError(f"{key!r} is {value!r:.40}, not a text", file=path, line=line)
    return value


def list_at(row: Mapping[str, Any], key: str, path: Path, line: int | None = None) -> list[Any]:
    """`row[key]`, if it is a list."""
    value = row[key]
    if not isinstance(value, list):
        raise UserError(f"{key!r} is {value!r:.40}, not a list", file=path, line=line)
    return value


def wrong_fields(path: Path, line: int, expected: int, found: int) -> UserError:
    """The error for a line of a TSV file with too many or too few fields."""
    return UserError(f"{found} columns where {expected} are expected", file=path, line=line)


def unknown_label(label: str, known: Sequence[str], path: Path, line: int) -> UserError:
    """The error for a label that the task does not have."""
    remedy = f"known: {', '.join(known)}"
    return UserError(f"unknown label {label!r}", file=path, line=line, remedy=remedy)


def unique_ids(examples: list[E], path: Path) -> list[E]:
    """`examples`, if no two have the same id.

    Raises:
        UserError: an id stands twice.
    """
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise UserError(f"duplicate id {example.id!r}", file=path)
        seen.add(example.id)
    return examples


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            yield cast(BinaryIO, stream)
    except FileNotFoundError:
        raise UserError("no such file", file=path) from None
    except IsADirectoryError:
        raise UserError("is a folder, not a file", file=path) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"broken gzip file: {error}", file=path, remedy="copy it again") from None
