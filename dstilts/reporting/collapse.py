"""Runs that have learnt nothing while others with the same task have: no mean may hold them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from dstilts.reporting.collect import Record

Seed = int | None

_LEARNT = 0.25
_TRAINED = "en"  # every target is trained in English


class Trained(Protocol):
    """What a published phase says of itself."""

    @property
    def key(self) -> str:
        """Of its model."""

    @property
    def parent(self) -> str | None:
        """The key of the model it started from."""

    @property
    def at_chance(self) -> str | None:
        """In words, that training saw it learn nothing."""

    @property
    def parts(self) -> Mapping[str, int]:
        """Numbers of examples of its training sets that were not taken whole, by task."""


def collapsed(
    runs: Mapping[Seed, Mapping[str, Record]], seen: Mapping[str, str] | None = None
) -> dict[Seed, str]:
    """The runs of one cell that collapsed, each with why.

    A run has collapsed that is at or below chance in English, or in all languages, where another
    seed has surely learnt (33.3 % on XNLI beside 80 % is what users of large encoders report); or
    of which training said so. Where that is true of every seed, it is the result and no accident;
    so it is where no seed gets far, since leaving out the lowest of those would flatter the mean.

    Args:
        runs: by seed and language.
        seen: what training saw, by model key.
    """
    found = {seed: why for seed, run in runs.items() if (why := _training(run, seen or {}))}
    for where in ((_TRAINED,), tuple({code for run in runs.values() for code in run})):
        name = "in English" if where == (_TRAINED,) else "in all languages"
        if any(run.keys() >= set(where) and _above(run, where) for run in runs.values()):
            for seed, run in runs.items():
                if run.keys() >= set(where) and all(_at_chance(run[code]) for code in where):
                    found.setdefault(seed, f"at chance {name}, where another seed is not")
    return found if len(found) < len(runs) else {}


def seen_in_training(phases: Iterable[Trained]) -> dict[str, str]:
    """What training saw of models at chance, by key: of the model itself or of one before it."""
    by_key = {phase.key: phase for phase in phases if phase.key}
    found = {}
    for key, phase in by_key.items():
        step: Trained | None = phase
        while step is not None and step.at_chance is None:
            step = by_key.get(step.parent or "")
        if step is not None and step.at_chance is not None:
            found[key] = step.at_chance
    return found


def _training(run: Mapping[str, Record], seen: Mapping[str, str]) -> str | None:
    return next((seen[r.model_key] for r in run.values() if r.model_key in seen), None)


def _at_chance(record: Record) -> bool:
    value, level = record.metrics.get(record.main_metric), record.chance.get(record.main_metric)
    return value is not None and level is not None and value <= level


def _above(run: Mapping[str, Record], where: tuple[str, ...]) -> bool:
    """Whether a run has surely learnt one of the languages: a quarter of the way from chance."""
    for code in where:
        record = run[code]
        level = record.chance.get(record.main_metric)
        value = record.metrics.get(record.main_metric)
        low = record.interval.low if record.interval else value
        if level is not None and low is not None and low > level + _LEARNT * (100 - level):
            return True
    return False
