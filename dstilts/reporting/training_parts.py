"""Of which training sets models have seen a part only: they may not have learnt those tasks."""

from collections.abc import Iterable, Mapping

from dstilts.reporting.collapse import Trained
from dstilts.reporting.collect import Record


def training_parts(
    records: Iterable[Record], phases: Iterable[Trained]
) -> dict[str, tuple[int, int]]:
    """By task the fewest and the most examples of a phase that took a part of the training set.

    Args:
        phases: of any models; those count that led to a model of the records.
    """
    by_key = {phase.key: phase for phase in phases if phase.key}
    found: dict[str, tuple[int, int]] = {}
    for phase in _led_to({record.model_key for record in records}, by_key):
        for task, number in phase.parts.items():
            low, high = found.get(task, (number, number))
            found[task] = min(low, number), max(high, number)
    return dict(sorted(found.items()))


def _led_to(keys: Iterable[str], by_key: Mapping[str, Trained]) -> list[Trained]:
    found: dict[str, Trained] = {}
    for key in keys:
        phase = by_key.get(key)
        while phase is not None and phase.key not in found:
            found[phase.key] = phase
            phase = by_key.get(phase.parent or "")
    return list(found.values())
