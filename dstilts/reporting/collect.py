"""Reads every evaluation record below a folder of runs; what is broken is named, not guessed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dstilts.core.errors import UserError
from dstilts.core.files import read_json

SCHEMAS = (1, 2)  # the first had no intervals
BASELINE = "none"  # the row without an intermediate phase

T = TypeVar("T")


@dataclass(frozen=True)
class Phase:
    """One training phase in a model's history."""

    name: str
    role: str  # "pretraining", "intermediate" or "target"
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Interval:
    """Where a score would lie on other examples of the same kind, by the bootstrap."""

    low: float
    high: float
    level: float  # 0 to 1


@dataclass(frozen=True)
class Record:
    """What one model scored on one task, split and language."""

    file: str  # relative to the folder of runs, with forward slashes
    written: float  # seconds since 1970: when the file was put there
    model_key: str
    model_name: str
    encoder: str
    intermediate: str
    target: str | None  # the target phase; None where the encoder is evaluated as it is
    seed: int | None  # None where nothing was trained
    lineage: tuple[Phase, ...]
    task: str
    language: str
    split: str
    source: str
    subset: str | None
    num_examples: int
    metrics: Mapping[str, float]  # per cent; empty where the evaluation failed
    chance: Mapping[str, float]
    main_metric: str
    data_digest: str
    versions: Mapping[str, str]
    options: Mapping[str, Any]
    interval: Interval | None = None  # of the main metric; records of old have none
    identity: str | None = None  # of the predictions: that of their examples' scores


def collect_records(runs: Path) -> list[Record]:
    """All records in folders called `records` anywhere below `runs`, ordered by file name.

    Raises:
        UserError: no such folder, no record below it, a broken record or one of another schema.
    """
    if not runs.is_dir():
        raise UserError("no such folder", file=runs, remedy="give the folder of a run or of many")
    files = sorted(file for file in runs.rglob("records/*/*.json") if not file.name.startswith("."))
    if not files:
        raise UserError(
            "no records below this folder",
            file=runs,
            remedy="evaluate a model first: dstilts evaluate, or dstilts quickstart",
        )
    return [read_record(file, runs) for file in files]


def read_record(file: Path, runs: Path) -> Record:
    """One record.

    Raises:
        UserError: the JSON is broken, of another schema, or lacks a field.
    """
    table = _Table(read_json(file), file)
    schema = table.get("schema", int)
    if schema not in SCHEMAS:
        raise UserError(
            f"a record of schema {schema}; this version reads schemas up to {SCHEMAS[-1]}",
            file=file,
            remedy="report it with the version of dstilts that wrote it, or evaluate again",
        )
    model = _Table(table.get("model", dict), file, "model.")
    lineage = tuple(_phase(entry, file) for entry in model.get("lineage", list))
    main_metric = table.get("main_metric", str)
    return Record(
        file=file.relative_to(runs).as_posix(),
        written=file.stat().st_mtime,
        model_key=model.get("key", str),
        model_name=model.get("name", str),
        encoder=model.get("encoder", str),
        intermediate=model.get("intermediate", str),
        target=model.optional("target", str),
        # Pretraining is done once for all seeds, as it is for an encoder from elsewhere.
        seed=model.optional("seed", int) if any(_varies(phase) for phase in lineage) else None,
        lineage=lineage,
        task=table.get("task", str),
        language=table.get("language", str),
        split=table.get("split", str),
        source=_source(table, file),
        subset=table.optional("subset", str),
        num_examples=table.get("num_examples", int),
        metrics=_numbers(table.optional("metrics", dict)),
        chance=_numbers(table.optional("chance", dict)),
        main_metric=main_metric,
        data_digest=table.get("data_digest", str),
        versions={name: str(value) for name, value in table.get("versions", dict).items()},
        options=table.get("options", dict),
        interval=_interval(table, main_metric, file),
        identity=table.optional("identity", str),
    )


def _varies(phase: Phase) -> bool:
    return phase.role != "pretraining"


class _Table:
    """A JSON object whose fields are asked for by name and type."""

    def __init__(self, value: object, file: Path, prefix: str = "") -> None:
        if not isinstance(value, dict):
            raise UserError("not a record: no JSON object", file=file)
        self._value = value
        self._file = file
        self._prefix = prefix

    def get(self, name: str, kind: type[T]) -> T:
        value = self.optional(name, kind)
        if value is None:
            raise UserError(f"not a record: no {self._prefix}{name}", file=self._file)
        return value

    def optional(self, name: str, kind: type[T]) -> T | None:
        value = self._value.get(name)
        if value is None or isinstance(value, kind):
            return value
        raise UserError(
            f"not a record: {self._prefix}{name} is {value!r}, not {kind.__name__}",
            file=self._file,
        )


def _phase(entry: object, file: Path) -> Phase:
    table = _Table(entry, file, "model.lineage.")
    return Phase(
        name=table.get("name", str),
        role=table.get("role", str),
        tasks=tuple(table.get("tasks", list)),
    )


def _source(table: _Table, file: Path) -> str:
    """The source's name, with its edition or folder where the record gives its whole identity."""
    value: object = table.get("source", object)
    if not isinstance(value, dict):
        return str(value)
    name = _Table(value, file, "source.").get("name", str)
    rest = ", ".join(f"{key} {item}" for key, item in value.items() if key != "name")
    return f"{name} ({rest})" if rest else name


def _interval(table: _Table, metric: str, file: Path) -> Interval | None:
    ends = (table.optional("interval", dict) or {}).get(metric)
    if ends is None:
        return None
    bootstrap = _Table(table.get("bootstrap", dict), file, "bootstrap.")
    match ends:
        case [int() | float() as low, int() | float() as high]:
            return Interval(low, high, bootstrap.get("level", float))
    raise UserError(f"not a record: interval is {ends!r}, not two numbers", file=file)


def _numbers(table: dict[str, Any] | None) -> dict[str, float]:
    """The finite numbers of a table. A score that is null or NaN is a failed one, never a 0."""
    return {
        name: float(value)
        for name, value in (table or {}).items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
