"""What everything cost: time, device-hours and tokens of training and evaluation, with totals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.logs import read_events
from dstilts.reporting.history import held_by
from dstilts.reporting.phases import PhaseCost
from dstilts.reporting.text import count, hours, magnitude, seconds
from dstilts.reporting.text_table import TextTable

EVALUATIONS = "evaluations.jsonl"  # beside the folder of records
NOT_RECORDED = "not recorded"

_TRAINING_HEAD = ("phase", "role", "tasks", "seed", "examples", "steps", "tokens", "time")


@dataclass(frozen=True)
class Entry:
    """One piece of work. None where it was not recorded."""

    seconds: float | None
    hours: float | None  # of `unit`
    unit: str
    tokens: float | None


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of some models by the farm."""

    entry: Entry  # tokens with padding
    num_models: int
    num_rows: int


def collect_evaluations(runs: Path) -> list[Evaluation]:
    """All evaluations that left a line below `runs`, in the order of time of each file."""
    return [
        _evaluation(event)
        for file in sorted(runs.rglob(EVALUATIONS))
        for event in read_events(file)
        if event.get("event") == "evaluation"
    ]


def ledger_table(
    phases: Sequence[PhaseCost], evaluations: Sequence[Evaluation]
) -> TextTable | None:
    """Lines by kind of work, each with its total; None where nothing is known."""
    lines = []
    for role in dict.fromkeys(phase.role for phase in phases):
        chosen = [phase for phase in phases if phase.role == role]
        lines.append(_line(f"training, {role} phases", len(chosen), map(phase_entry, chosen)))
    if evaluations:
        models = sum(found.num_models for found in evaluations)
        entries = [found.entry for found in evaluations]
        lines.append(_line("evaluation, models", models, entries))
    if not lines:
        return None
    everything = [*map(phase_entry, phases), *(found.entry for found in evaluations)]
    lines.append(_line("total", None, everything))
    return TextTable(
        slug="ledger",
        title="What it cost",
        lead=(
            "Tokens: without padding in training, with it in evaluation. Time: in the loop of "
            "training and while shards are evaluated, over all starts. Hours: that time for each "
            "core or GPU that was held."
        ),
        head=("work", "number", "time", "hours", "tokens"),
        rows=tuple(lines),
    )


def training_table(phases: Sequence[PhaseCost]) -> TextTable | None:
    """A line a published phase."""
    if not phases:
        return None
    unit = _common_unit(map(phase_entry, phases))
    lines = []
    for phase in phases:
        entry = phase_entry(phase)
        what = [phase.name, phase.role, ", ".join(phase.tasks), str(phase.seed)]
        cost = [magnitude(entry.tokens), seconds(entry.seconds), _hours([entry], unit)]
        lines.append((*what, count(phase.examples), count(phase.steps), *cost))
    return TextTable(
        slug="training",
        title="Phases of training",
        lead="Examples: in the training sets, however often each was seen.",
        head=(*_TRAINING_HEAD, unit or "hours"),
        rows=tuple(lines),
        num_words=3,
        is_folded=len(lines) > 24,
    )


def phase_entry(phase: PhaseCost) -> Entry:
    """What a phase cost."""
    found = phase.history
    if found is None:
        return Entry(None, None, "", None)
    return Entry(found.seconds, found.hours, found.unit, found.tokens)


def _evaluation(event: dict[str, object]) -> Evaluation:
    def number(name: str) -> float:
        value = event.get(name)
        return float(value) if isinstance(value, int | float) else 0.0

    held, unit = held_by(event, "workers")
    spent = number("seconds")
    return Evaluation(
        entry=Entry(spent, held * spent / 3600, unit, number("tokens")),
        num_models=round(number("models")),
        num_rows=round(number("rows")),
    )


def _line(work: str, number: int | None, entries: Iterable[Entry]) -> tuple[str, ...]:
    known = list(entries)
    there = [entry for entry in known if entry.seconds is not None]
    if not there:
        return (work, count(number), *[NOT_RECORDED] * 3)
    left_out = f" ({len(known) - len(there)} {NOT_RECORDED})" if len(there) < len(known) else ""
    time = seconds(sum(entry.seconds or 0.0 for entry in there))
    tokens = magnitude(sum(entry.tokens or 0.0 for entry in there))
    return work, count(number), f"{time}{left_out}", _hours(there), tokens


def _common_unit(entries: Iterable[Entry]) -> str | None:
    """The unit of all entries; None where they have several, or none."""
    units = {entry.unit for entry in entries if entry.hours is not None}
    return units.pop() if len(units) == 1 else None


def _hours(entries: Sequence[Entry], said: str | None = None) -> str:
    """ "2.4 core-hours", each unit by itself.

    Args:
        said: the unit that the table's head names already.
    """
    units = dict.fromkeys(entry.unit for entry in entries if entry.hours is not None)
    return ", ".join(
        hours(sum(e.hours or 0.0 for e in entries if e.unit == unit))
        + ("" if unit == said else f" {unit}")
        for unit in units
    )
