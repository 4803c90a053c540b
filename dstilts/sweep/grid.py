"""A grid file: intermediate phases x target phases x seeds, their data, their training."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dstilts.core.config import load_config
from dstilts.core.errors import UserError
from dstilts.engine.phase import (
    BatchConfig,
    DataConfig,
    EngineConfig,
    GuardConfig,
    MixtureConfig,
    ScheduleConfig,
    TaskUse,
)
from dstilts.tasks.catalog import task

RECIPES = Path(__file__).resolve().parents[1] / "recipes"


@dataclass(frozen=True)
class Intermediate:
    """One row of the grid: English tasks that the encoder is trained on first."""

    name: str
    tasks: tuple[TaskUse, ...]
    schedule: ScheduleConfig | None = None  # in place of the grid's own
    mixture: MixtureConfig | None = None


@dataclass(frozen=True)
class Target:
    """One column of the grid: an English training set, and what is evaluated in all languages."""

    name: str
    evaluate: tuple[str, ...]
    tasks: tuple[TaskUse, ...] = ()  # empty: the encoder is evaluated as it is (retrieval)
    limit: int | None = None  # evaluation examples a language; without it all
    schedule: ScheduleConfig | None = None


@dataclass(frozen=True)
class Pretraining:
    """A phase before all others: the grid's encoder is trained first, once for all seeds."""

    tasks: tuple[TaskUse, ...]
    schedule: ScheduleConfig | None = None
    batch: BatchConfig | None = None
    seed: int = 0
    from_scratch: bool = True  # the encoder gives its shape and its tokenizer, but no weights


@dataclass(frozen=True)
class EvaluationSettings:
    """How the farm evaluates every model of the grid."""

    precision: str = "fp32"
    tokens: int | None = None  # of a micro-batch; without it what suits the device
    languages: tuple[str, ...] = ()  # empty: all languages of the source
    retrieval_layer: int | Literal["all"] = -1  # all: each is scored, the best on dev reported


@dataclass(frozen=True)
class Grid:
    """Everything a sweep computes. The row `none`, no intermediate phase, is always there."""

    name: str
    intermediates: tuple[Intermediate, ...]
    targets: tuple[Target, ...]
    encoder: str = "default"
    pretraining: Pretraining | None = None
    trim_vocabulary: bool = False  # keep only the pieces that the grid's own texts use
    seeds: tuple[int, ...] = (1,)
    allow_leaks: bool = False  # train on sets that share texts with what is evaluated
    data: DataConfig = field(default_factory=DataConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    guards: GuardConfig = field(default_factory=GuardConfig)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)

    def __post_init__(self) -> None:
        rows = [row.name for row in self.intermediates]
        columns = [column.name for column in self.targets]
        for kind, names in (("intermediates", rows), ("targets", columns)):
            if len(set(names)) < len(names):
                raise ValueError(f"{kind} must have different names")
        if "none" in rows:
            raise ValueError("intermediates must not name 'none': that row is always there")
        if not self.targets or not self.seeds:
            raise ValueError("targets and seeds must not be empty")

    def uses(self) -> frozenset[TaskUse]:
        """Every training set that a row or a column takes, and how much of it."""
        rows = (use for row in self.intermediates for use in row.tasks)
        return frozenset(rows) | {use for column in self.targets for use in column.tasks}

    def seeded_uses(self) -> frozenset[tuple[TaskUse, int]]:
        """Every training set with each seed that draws from it."""
        first = self.pretraining
        before = {(use, first.seed) for use in first.tasks} if first else set()
        return frozenset((use, seed) for use in self.uses() for seed in self.seeds) | before


def load_grid(name: str, overrides: Sequence[str] = ()) -> Grid:
    """A grid from a TOML file, or a recipe that comes with the package by its name.

    Raises:
        UserError: no such file or recipe, a broken file, an unknown key or task.
    """
    path = Path(name)
    if not path.suffix and not path.exists():
        path = RECIPES / f"{name}.toml"
        if not path.is_file():
            known = sorted(recipe.stem for recipe in RECIPES.glob("*.toml"))
            raise UserError(f"no recipe {name!r}", remedy=f"known: {', '.join(known)}")
    grid = load_config(Grid, path, overrides)
    for use, _ in grid.seeded_uses():
        task(use.task)
    for target in grid.targets:
        for evaluated in target.evaluate:
            task(evaluated)
    return grid


def scaled(grid: Grid, factor: float) -> Grid:
    """The grid with every number of training and evaluation examples multiplied by `factor`."""

    def times(number: int | None) -> int | None:
        return None if number is None else max(1, round(number * factor))

    def uses(tasks: tuple[TaskUse, ...]) -> tuple[TaskUse, ...]:
        return tuple(dataclasses.replace(use, examples=times(use.examples)) for use in tasks)

    first = grid.pretraining
    return dataclasses.replace(
        grid,
        pretraining=dataclasses.replace(first, tasks=uses(first.tasks)) if first else None,
        intermediates=tuple(
            dataclasses.replace(row, tasks=uses(row.tasks)) for row in grid.intermediates
        ),
        targets=tuple(
            dataclasses.replace(column, tasks=uses(column.tasks), limit=times(column.limit))
            for column in grid.targets
        ),
    )
