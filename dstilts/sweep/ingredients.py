"""What a graph's keys are made of beside the grid itself: digests of encoder and examples."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from dstilts.core.digest import short_key
from dstilts.engine.phase import TaskUse


@dataclass(frozen=True)
class EvaluationData:
    """What a task is evaluated on: one digest over the example sets of all languages."""

    languages: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class Ingredients:
    """Found out once for a grid and the state of its data.

    Attributes:
        encoder: the name or folder the first phases start from.
        encoder_key: the digest of that encoder.
        training: by `use_key`, the digest of the examples that a use of a task takes with a seed.
        evaluation: by `task_key`.
    """

    encoder: str
    encoder_key: str
    training: Mapping[str, str]
    evaluation: Mapping[str, EvaluationData] = field(default_factory=dict)


def use_key(use: TaskUse, seed: int) -> str:
    """Names a use of a training set: seeds draw different subsets."""
    return f"{use.task}-{_use_digest(use)}-{seed}"


@functools.lru_cache(maxsize=4096)
def _use_digest(use: TaskUse) -> str:
    return short_key(use)


def task_key(task: str, limit: int | None) -> str:
    """Names a task with so many examples a language."""
    return task if limit is None else f"{task}-{limit}"
