"""What of a graph is done, read from the file system alone."""

import contextlib
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dstilts.core.config import to_table
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.sweep.graph import Graph, Node, Parts, PhaseNode

SCHEMA = 1


@dataclass(frozen=True)
class Failure:
    """One attempt at a node that came to nothing, and when, in seconds since 1970."""

    reason: str
    time: float
    mistake: bool = False  # of the user: another attempt would end the same way


@dataclass(frozen=True)
class Outcome:
    """What is kept of a node: how it went, what it cost.

    Attributes:
        seconds: of all attempts that ended by themselves.
        devices: ranks at work in the last one: cores' shares of a CPU, or GPUs.
        records: file names below the folder of runs, of an evaluation.
        scores: of an evaluation, by task: the mean over languages of the main metric.
        collected: the model was removed to make room; it is trained again if a node needs it.
    """

    key: str
    title: str
    parts: Parts
    done: bool = False
    finished: float | None = None
    seconds: float = 0.0
    devices: int = 1
    device: str = "cpu"
    host: str = ""
    failures: tuple[Failure, ...] = ()
    records: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    collected: bool = False
    schema: int = SCHEMA


class RunsState:
    """Outcomes, models and records below a folder of runs."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._folder = runs / "nodes"

    def outcome(self, node: Node) -> Outcome:
        """What is known of a node; an empty outcome for one that was never tried."""
        file = self._file(node.key)
        if file.is_file():
            return _read(file)
        return Outcome(node.key, node.title, node.parts)

    def outcomes(self) -> dict[str, Outcome]:
        """All outcomes below the folder, of this grid and others."""
        files = sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []
        return {outcome.key: outcome for outcome in map(_read, files)}

    def write(self, outcome: Outcome) -> None:
        """Replaces a node's outcome; to be called by who holds the node's claim."""
        write_json(self._file(outcome.key), to_table(outcome))

    def fail(self, node: Node, reason: str, *, mistake: bool = False) -> Outcome:
        """Adds a failed attempt to a node's outcome."""
        before = self.outcome(node)
        failure = Failure(reason, time.time(), mistake)
        after = replace(before, failures=(*before.failures, failure))
        self.write(after)
        return after

    def is_done(self, node: Node) -> bool:
        """Whether a node's result is there: a published model, or all records.

        A manifest is the last file of a model to be written; an evaluation's outcome is written
        after its records.
        """
        if isinstance(node, PhaseNode):
            return (node.phase.output / "manifest.json").is_file()
        table = self._table(node.key)
        return bool(table.get("done")) and self._has_all(table["records"])

    def is_collected(self, node: Node) -> bool:
        """Whether a phase was done and its model removed to make room."""
        return bool(self._table(node.key).get("collected"))

    def missing(self, graph: Graph) -> tuple[Node, ...]:
        """The nodes that have to run, in the graph's order.

        A model that was removed is wanted again only if a node that has to run needs it.
        """
        open_nodes = [node for node in graph.nodes if not self.is_done(node)]
        collected = {
            node.key
            for node in open_nodes
            if isinstance(node, PhaseNode) and self.is_collected(node)
        }
        wanted = {node.key for node in open_nodes} - collected
        for node in reversed(open_nodes):
            if node.key in wanted and node.needs in collected:
                wanted.add(node.needs)
        return tuple(node for node in open_nodes if node.key in wanted)

    def _table(self, key: str) -> dict[str, Any]:
        """An outcome as it is stored, unchecked: there may be thousands to look at."""
        file = self._file(key)
        return read_json(file) if file.is_file() else {}

    def _has_all(self, records: Iterable[str]) -> bool:
        """Whether all records are there, by one look at each folder."""
        folders: dict[str, set[str]] = {}
        for name in records:
            folder, _, file = name.rpartition("/")
            folders.setdefault(folder, set()).add(file)
        return all(files <= _names(self.runs / folder) for folder, files in folders.items())

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def _read(file: Path) -> Outcome:
    """An outcome; by hand, for there may be thousands to read."""
    table = read_json(file)
    try:
        if table["schema"] != SCHEMA:
            raise UserError(f"not an outcome of schema {SCHEMA}", file=file)
        parts, failures = Parts(**table["parts"]), (Failure(**f) for f in table["failures"])
        nested = {"parts": parts, "failures": tuple(failures), "records": tuple(table["records"])}
        return Outcome(**{**table, **nested})
    except (KeyError, TypeError) as error:
        raise UserError(
            f"not the outcome of a node ({error!r})",
            file=file,
            remedy="delete the file, and the node is looked at again",
        ) from None


def _names(folder: Path) -> set[str]:
    with contextlib.suppress(FileNotFoundError):
        return set(os.listdir(folder))
    return set()
