"""Frozen dataclasses from TOML files, strictly: an unknown key or a wrong type is an error."""

import dataclasses
import re
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from dstilts.core.errors import UserError
from dstilts.core.files import write_text
from dstilts.core.registry import unknown

C = TypeVar("C")


def load_config(kind: type[C], path: Path, overrides: Sequence[str] = ()) -> C:
    """The configuration in a TOML file, with `key.sub=value` overrides on top.

    An override's value is read as TOML (`schedule.learning_rate=1e-4`, `languages=["de","no"]`);
    what is no TOML value is taken as a string (`parent=default`).

    Raises:
        UserError: the file is missing or broken, a key is unknown or missing, a value is of the
            wrong type.
    """
    table = read_toml(path)
    for override in overrides:
        _apply_override(table, override)
    return build(kind, table, file=path)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as nested dictionaries.

    Raises:
        UserError: the file is missing, is not UTF-8 or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("no such file", file=path) from None
    except IsADirectoryError:
        raise UserError("is a folder, not a TOML file", file=path) from None
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 at byte {error.start}", file=path) from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else None
        raise UserError(f"broken TOML: {error}", file=path, line=line) from None


def build(kind: type[C], table: Mapping[str, Any], *, file: Path | None = None) -> C:
    """A dataclass from nested dictionaries, checked key by key.

    Raises:
        UserError: see `load_config`; the message carries the dotted key the user typed.
    """
    return typing.cast(C, _build_dataclass(kind, table, "", file))


def to_table(config: object) -> dict[str, Any]:
    """A dataclass as nested dictionaries without the keys that are None; the inverse of `build`."""
    assert dataclasses.is_dataclass(config)
    assert not isinstance(config, type)
    table: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = _to_plain(getattr(config, field.name))
        if value is not None:
            table[field.name] = value
    return table


def write_config(path: Path, config: object, comment: str = "") -> None:
    """Writes a dataclass as a TOML file that `load_config` reads back as an equal value."""
    lines = [f"# {line}" for line in comment.splitlines()]
    _write_table(to_table(config), "", lines)
    write_text(path, "\n".join(lines).strip() + "\n")


def _build_dataclass(kind: Any, table: object, where: str, file: Path | None) -> object:
    if not isinstance(table, Mapping):
        raise UserError(f"{where or 'the file'} must be a table of keys", file=file)
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    for key in table:
        if key not in fields:
            known = {_join(where, name) for name in fields}
            raise unknown("key", _join(where, key), known, file=file)
    values: dict[str, object] = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _convert(hints[name], table[name], _join(where, name), file)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UserError(f"key {_join(where, name)!r} is missing", file=file)
    try:
        return kind(**values)
    except ValueError as error:
        # __post_init__ names the field; the file and the table around it are added here.
        raise UserError(_join(where, str(error)), file=file) from None


def _convert(hint: Any, value: object, where: str, file: Path | None) -> object:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(arguments, value, where, file)
    if dataclasses.is_dataclass(hint):
        return _build_dataclass(hint, value, where, file)
    if origin is typing.Literal:
        if value not in arguments:
            raise unknown(f"value for {where}", str(value), map(str, arguments), file=file)
        return value
    if origin in (tuple, list):
        return _convert_sequence(arguments, value, where, file)
    if origin in (dict, Mapping) or (origin is not None and issubclass(origin, Mapping)):
        if not isinstance(value, Mapping):
            raise _wrong_type(where, "a table", value, file)
        return {
            key: _convert(arguments[1], item, _join(where, key), file)
            for key, item in value.items()
        }
    return _convert_scalar(hint, value, where, file)


def _convert_union(
    arguments: tuple[Any, ...], value: object, where: str, file: Path | None
) -> object:
    """The first kind that takes the value; where none does, the problem of the last one."""
    *others, last = [argument for argument in arguments if argument is not type(None)]
    for argument in others:
        try:
            return _convert(argument, value, where, file)
        except UserError:
            continue
    return _convert(last, value, where, file)


def _convert_sequence(
    arguments: tuple[Any, ...], value: object, where: str, file: Path | None
) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong_type(where, "a list", value, file)
    return tuple(
        _convert(arguments[0], item, f"{where}[{index}]", file) for index, item in enumerate(value)
    )


def _convert_scalar(hint: Any, value: object, where: str, file: Path | None) -> object:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    names = {int: "an integer", float: "a number", str: "a string", bool: "true or false"}
    raise _wrong_type(where, names.get(hint, "a string"), value, file)


def _wrong_type(where: str, expected: str, value: object, file: Path | None) -> UserError:
    return UserError(f"{where} must be {expected}, not {value!r}", file=file)


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _apply_override(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise UserError(
            f"override {override!r} is not of the form key=value", remedy="for example seed=2"
        )
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, last = key.strip().split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise UserError(f"override {override!r}: {parent!r} is not a table")
    table[last] = value


def _to_plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_table(value)
    if isinstance(value, Mapping):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value


def _write_table(table: Mapping[str, Any], where: str, lines: list[str]) -> None:
    """TOML wants a table's own values before its sub-tables."""
    nested: list[tuple[str, Any]] = []
    for key, value in table.items():
        is_tables = isinstance(value, list) and value and isinstance(value[0], Mapping)
        if isinstance(value, Mapping) or is_tables:
            nested.append((key, value))
        else:
            lines.append(f"{_toml_key(key)} = {_toml_value(value)}")
    for key, value in nested:
        name = _join(where, _toml_key(key))
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]"]
            _write_table(value, name, lines)
        else:
            for item in value:
                lines += ["", f"[[{name}]]"]
                _write_table(item, name, lines)


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml_value(key)


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        escaped = re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", escaped)
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    return repr(value)
