"""JSON of a data file: one value, or one object a line, each part checked for its type."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from dstilts.core.errors import UserError
from dstilts.tasks.readers.files import LONGEST_LINE, opened, read_lines


def read_json_lines(path: Path, keys: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file with one JSON object a line, each with at least `keys`.

    Raises:
        UserError: see `read_lines`; a line is no JSON object or lacks a key, or there is no line.
    """
    found = False
    for number, line in read_lines(path):
        if not line.strip():
            continue
        found = True
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _broken(error, path, number) from None
        yield number, with_keys(value, keys, path, number)
    if not found:
        raise UserError("no JSON object in the file", file=path)


def read_json_file(path: Path) -> Any:
    """The one JSON value of a file.

    Raises:
        UserError: the file is missing, cut off, not UTF-8, or no JSON.
    """
    with opened(path) as stream:
        content = stream.read()
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 at byte {error.start}", file=path) from None
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise _broken(error, path, line) from None


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
    """`row[key]`, if it is a text that can be written as UTF-8, without NUL characters."""
    value = row[key]
    if not isinstance(value, str):
        raise UserError(f"{key!r} is {value!r:.40}, not a text", file=path, line=line)
    if "\0" in value:
        raise UserError(f"a NUL character in {key!r}", file=path, line=line)
    if len(value) > LONGEST_LINE:
        raise UserError(f"{key!r} has {len(value)} characters", file=path, line=line)
    try:
        value.encode()
    except UnicodeEncodeError:
        # JSON can write half of a surrogate pair, which is no character.
        raise UserError(f"{key!r} holds half a character", file=path, line=line) from None
    return value


def optional_text(row: Mapping[str, Any], key: str, path: Path, line: int | None = None) -> str:
    """`row[key]` as `text_at`; an empty text where it is missing or null."""
    return "" if row.get(key) is None else text_at(row, key, path, line)


def id_at(row: Mapping[str, Any], key: str, path: Path, line: int | None = None) -> str:
    """`row[key]` as a text, if it is a text that is not empty, or a whole number."""
    value = row[key]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise UserError(f"{key!r} is {value!r:.40}, not an id", file=path, line=line)
    return text_at(row, key, path, line)


def list_at(row: Mapping[str, Any], key: str, path: Path, line: int | None = None) -> list[Any]:
    """`row[key]`, if it is a list."""
    value = row[key]
    if not isinstance(value, list):
        raise UserError(f"{key!r} is {value!r:.40}, not a list", file=path, line=line)
    return value


def number_at(row: Mapping[str, Any], key: str, path: Path, line: int | None = None) -> int:
    """`row[key]`, if it is a whole number."""
    value = row[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise UserError(f"{key!r} is {value!r:.40}, not a number", file=path, line=line)
    return value


def _broken(error: Exception, path: Path, line: int | None) -> UserError:
    reason = error.msg if isinstance(error, json.JSONDecodeError) else "too deep or too long"
    return UserError(f"broken JSON: {reason}", file=path, line=line, remedy="copy it again")
