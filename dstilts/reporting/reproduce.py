"""How to compute a model's scores again: the commands, in order."""

import shlex
from collections.abc import Mapping, Sequence

from dstilts.reporting.collect import Record
from dstilts.reporting.phases import PhaseCost

RUNS = "$RUNS"  # the folder of runs
DATA = "$DATA"  # the folder of data sets
MODEL = "$MODEL"  # a published folder that is not below the folder of runs


def commands(records: Sequence[Record], phases: Mapping[str, PhaseCost]) -> list[str]:
    """Shell commands for the records of one model on one task.

    Args:
        phases: by key.
    """
    record = records[0]
    chain = _chain(record.model_key, phases)
    lines = [f"dstilts train {_path(RUNS, phase.file)}" for phase in chain if phase.file]
    if chain:
        model = _path(RUNS, chain[-1].folder)
    else:
        model = f'"{MODEL}"' if record.lineage else shlex.quote(record.encoder)
    return [*lines, _evaluate(model, record)]


def _chain(key: str, phases: Mapping[str, PhaseCost]) -> list[PhaseCost]:
    """The phases that made a model, first the first; empty where its manifest is not there."""
    found: list[PhaseCost] = []
    while key in phases:
        found.insert(0, phases[key])
        key = phases[key].parent or ""
    return found


def _evaluate(model: str, record: Record) -> str:
    parts = ["dstilts evaluate", model, "--tasks", record.task, "--split", record.split]
    for option in ("limit", "precision", "layer"):
        value = record.options.get(option)
        if value is not None:
            # One word: a layer may be -1.
            parts.append(f"--{option}={shlex.quote(str(value))}")
    source = record.source.partition(" ")[0]
    if source == "local":
        parts += ["--data", f'"{DATA}"']
    elif source != "phrasebook":
        parts += ["--source", shlex.quote(source)]
    return " ".join([*parts, "--output", _path(RUNS, "again")])


def _path(folder: str, name: str | None) -> str:
    """A file below a folder that a variable names; quoted, whatever is in its name."""
    return f'"{folder}"/{shlex.quote(name or "")}'
