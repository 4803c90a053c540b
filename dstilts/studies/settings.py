"""What the settings of all studies have in common, and the TOML files they are read from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from dstilts.core.config import load_config
from dstilts.engine.phase import (
    BatchConfig,
    DataConfig,
    EngineConfig,
    MixtureConfig,
    ScheduleConfig,
)
from dstilts.sweep.grid import EvaluationSettings, Grid, Intermediate, Target
from dstilts.tasks.catalog import task

RECIPES = Path(__file__).resolve().parents[1] / "recipes" / "studies"
Scale = Literal["small", "full"]


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """The part of a study's grids that does not vary; the keys are those of a grid file."""

    targets: tuple[Target, ...] = ()
    encoder: str = "default"
    trim_vocabulary: bool = False
    seeds: tuple[int, ...] = (1,)
    allow_leaks: bool = False
    data: DataConfig = field(default_factory=DataConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)

    def grid(
        self,
        name: str,
        intermediates: Sequence[Intermediate],
        *,
        encoder: str | None = None,
        targets: Sequence[Target] | None = None,
    ) -> Grid:
        """A grid of these settings.

        Raises:
            UserError: a task that the catalog does not know.
        """
        grid = Grid(
            name=name,
            intermediates=tuple(intermediates),
            targets=self.targets if targets is None else tuple(targets),
            encoder=encoder or self.encoder,
            trim_vocabulary=self.trim_vocabulary,
            seeds=self.seeds,
            allow_leaks=self.allow_leaks,
            data=self.data,
            schedule=self.schedule,
            batch=self.batch,
            mixture=self.mixture,
            engine=self.engine,
            evaluation=self.evaluation,
        )
        for use in grid.uses():
            task(use.task)
        for name in (name for target in grid.targets for name in target.evaluate):
            task(name)
        return grid


S = TypeVar("S", bound=StudySettings)


def load_settings(
    kind: type[S], study: str, scale: Scale, file: Path | None, overrides: Sequence[str]
) -> S:
    """The settings of a study: of a file, or of the recipe of that scale.

    Raises:
        UserError: no such file, a broken file, an unknown key.
    """
    recipe = RECIPES / f"{study}_{scale}.toml"
    return load_config(kind, file or recipe, overrides)


def require(condition: bool, message: str) -> None:
    """Raises a ValueError, to which the reader of a configuration adds file and table."""
    if not condition:
        raise ValueError(message)
