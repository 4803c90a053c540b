"""What the manifest of a model says of the phase that made it."""

import platform
from importlib.metadata import version

from dstilts import __version__
from dstilts.checkpoints.manifest import Manifest, PhaseRecord
from dstilts.core.config import to_table
from dstilts.engine.data import PreparedTasks
from dstilts.engine.guards import Attempt
from dstilts.engine.parent import Parent
from dstilts.engine.phase import PhaseConfig
from dstilts.tasks.transform.few_shot import FewShot


def manifest_of(
    config: PhaseConfig,
    attempt: Attempt,
    parent: Parent,
    tasks: PreparedTasks,
    num_steps: int,
    at_chance: str | None,
) -> Manifest:
    """The manifest of a phase's model.

    Args:
        config: with the seed of the attempt.
        num_steps: that made the weights: the best ones where training was stopped early.
        at_chance: in words, that it has learnt nothing.
    """
    settings = to_table(config)
    for elsewhere in ("output", "parent", "key"):
        settings.pop(elsewhere, None)
    settings["num_steps"] = num_steps
    if at_chance:
        settings["at_chance"] = at_chance
    if attempt != Attempt():
        settings["attempt"] = to_table(attempt)
    names = tuple(use.task for use in config.tasks)
    record = PhaseRecord(config.name, config.role, names, config.seed)
    return Manifest(
        key=config.model_key,
        name=config.name,
        encoder=parent.encoder,
        lineage=(*parent.lineage, record),
        heads=tasks.heads,
        parent=parent.key,
        data=tasks.data,
        settings=settings,
        deviations=_deviations(config),
        few_shot=(*parent.few_shot, *_few_shot(config)),
        versions=_versions(),
    )


def _deviations(config: PhaseConfig) -> tuple[str, ...]:
    """What the phase does other than the paper, whatever its schedule."""
    found = ["a step is a fixed number of micro-batches within a token budget, not of examples"]
    if config.engine.freeze_embeddings:
        found.append("word embeddings were not trained")
    if config.engine.precision != "fp32":
        found.append(f"computed in {config.engine.precision} with fp32 master weights")
    if config.batch.tasks_per_step > 1:
        found.append(f"a step trains {config.batch.tasks_per_step} draws of tasks, not one")
    return tuple(found)


def _few_shot(config: PhaseConfig) -> tuple[FewShot, ...]:
    """What evaluation has to leave out from now on."""
    return tuple(use.transform.few_shot for use in config.tasks if use.transform.few_shot)


def _versions() -> dict[str, str]:
    packages = ("torch", "deepspeed", "transformers", "tokenizers", "datasets")
    return {
        "dstilts": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
