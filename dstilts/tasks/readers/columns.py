"""Columns of a data file: TSV with a header, TSV without one, and CSV with quotes."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.readers.files import LONGEST_LINE, read_lines


def read_columns(
    path: Path, columns: Sequence[str], broken_share: float = 0.0
) -> Iterator[tuple[int, list[str]]]:
    """The fields of a TSV file with a header, in the order of `columns`.

    Args:
        broken_share: of the lines, those with too few columns that are left out.

    Raises:
        UserError: see `read_lines`; the header lacks a column, a line has more, or more lines than
            `broken_share` have fewer, or no line follows the header.
    """
    header: list[str] | None = None
    chosen: list[int] = []
    broken: list[UserError] = []
    number = 0
    for number, line in read_lines(path):
        fields = line.split("\t")
        if header is None:
            header = fields
            chosen = _places(header, columns, path)
        elif len(fields) == len(header):
            yield number, [fields[index] for index in chosen]
        elif len(fields) > len(header) or not broken_share:
            raise wrong_fields(path, number, len(header), len(fields))
        else:
            broken.append(wrong_fields(path, number, len(header), len(fields)))
    if len(broken) > broken_share * number:
        raise broken[0]
    if number == 1:
        raise UserError("nothing but a header", file=path)


def read_fields(path: Path, allowed: Sequence[int]) -> list[tuple[int, list[str]]]:
    """The fields of a TSV file without a header; the number of its columns is one of `allowed`.

    XTREME's scripts write TSV with quotes around fields that hold quotes, most other files
    without: where each quote of a file is one of well-formed quoting, the quoting is undone.

    Raises:
        UserError: see `read_lines`; a line has another number of columns than the first.
    """
    rows = [(number, line.split("\t")) for number, line in read_lines(path)]
    expected = len(rows[0][1])
    for number, fields in rows:
        if len(fields) != expected or expected not in allowed:
            known = expected if expected in allowed else max(allowed)
            raise wrong_fields(path, number, known, len(fields))
    if all(_well_quoted(field) for _, fields in rows for field in fields):
        rows = [(number, [_unquoted(field) for field in fields]) for number, fields in rows]
    return rows


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The fields of a CSV file with a header, in the order of `columns`, with their last line.

    Raises:
        UserError: see `read_lines`; broken quoting, a header without a column, a record with
            another number of fields, or no record.
    """
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        for number, line in read_lines(path):  # noqa: B007 - read by the loop below
            yield line + "\n"

    header: list[str] | None = None
    chosen: list[int] = []
    found = False
    csv.field_size_limit(LONGEST_LINE)
    try:
        for fields in csv.reader(lines(), strict=True):
            if header is None:
                header = fields
                chosen = _places(header, columns, path)
            elif len(fields) != len(header):
                raise wrong_fields(path, number, len(header), len(fields))
            else:
                found = True
                yield number, [fields[index] for index in chosen]
    except csv.Error as error:
        raise UserError(f"broken CSV: {error}", file=path, line=number) from None
    if not found:
        raise UserError("nothing but a header", file=path)


def wrong_fields(path: Path, line: int, expected: int, found: int) -> UserError:
    """The error for a line with too many or too few fields."""
    return UserError(f"{found} columns where {expected} are expected", file=path, line=line)


def _places(header: Sequence[str], columns: Sequence[str], path: Path) -> list[int]:
    for name in columns:
        if name not in header:
            raise UserError(
                f"column {name!r} is missing",
                file=path,
                line=1,
                remedy=f"the header has: {', '.join(header):.200}",
            )
    return [header.index(name) for name in columns]


def _well_quoted(field: str) -> bool:
    if '"' not in field:
        return True
    inner = field[1:-1].replace('""', "")
    return len(field) > 1 and field[0] == field[-1] == '"' and '"' not in inner


def _unquoted(field: str) -> str:
    return field[1:-1].replace('""', '"') if '"' in field else field
