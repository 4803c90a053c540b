"""One training phase from configuration to published model."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from dstilts import __version__
from dstilts.checkpoints.manifest import Manifest, PhaseRecord, read_manifest
from dstilts.checkpoints.publish import is_published, publish
from dstilts.checkpoints.resume import (
    ResumePoint,
    check_resume,
    find_resume,
    load_resume,
    remove_all,
)
from dstilts.core.config import to_table
from dstilts.core.errors import UserError
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.data import describe, heads_of, load_examples, token_rows
from dstilts.engine.deepspeed_config import deepspeed_config
from dstilts.engine.gather import gather_weights
from dstilts.engine.loop import Loop
from dstilts.engine.monitor import LogHook, Monitor
from dstilts.engine.parent import Parent, check_lengths, load_parent
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.plan import TrainingPlan
from dstilts.engine.preemption import Preempted, StopFlag
from dstilts.engine.saving import SaveHook, loop_state, resume_folder
from dstilts.engine.setup import (
    build_engine,
    freeze_embeddings,
    rank_device,
    release,
    start_processes,
)
from dstilts.models.multitask import MultiTaskModel
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.transform.few_shot import FewShot


def train_phase(config: PhaseConfig, group: ProcessGroup) -> Path:
    """Trains one phase on all ranks of `group` and returns the published folder (a collective).

    A phase that was published before returns at once; one that was interrupted goes on where it was
    saved. May be called again in the same process for the next phase.

    Raises:
        UserError: a mistake in the configuration or the data.
        TrainingError: the loss is no number any more.
        Preempted: the run was told to stop and has saved itself; ends the process with code 75.
    """
    if is_finished(config):
        if group.is_main:
            log(f"{config.name}: published before in {config.output}")
        return config.output
    _check_ranks(config, group)
    sets, source = load_examples(config)
    return train_on(config, group, sets, describe(config, sets, source))


def train_on(
    config: PhaseConfig,
    group: ProcessGroup,
    sets: Sequence[ExampleSet],
    data: dict[str, object],
) -> Path:
    """`train_phase` on example sets at hand, one a task in the order of `config.tasks`.

    Args:
        data: what the manifest says of the sets.
    """
    start_processes(group, config.engine.timeout_minutes)
    parent = load_parent(config.parent, config.seed if config.from_scratch else None)
    check_lengths(config.batch, parent.bundle)
    plan = TrainingPlan(config, token_rows(sets, parent.bundle.tokenizer, config.batch, group))

    with StopFlag(group) as stop:
        trainer = _Trainer(config, group, parent, plan, sets)
        trainer.train(stop)
        trainer.publish(data)
        trainer.close()
        if stop.agreed():
            # Told to stop while publishing: this phase is done, the next one is not begun.
            raise Preempted
    return config.output


def is_finished(config: PhaseConfig) -> bool:
    """Whether the phase's model is published already.

    Raises:
        UserError: something else stands in the output folder.
    """
    if is_published(config.output):
        if read_manifest(config.output).key == config.model_key:
            return True
        raise UserError(
            "holds a model of another configuration",
            file=config.output,
            remedy="remove it or choose another output folder",
        )
    if config.output.exists():
        raise UserError("exists and is no published model", file=config.output)
    return False


class _Trainer:
    """The engine of one phase, and what is done with it in order."""

    def __init__(
        self,
        config: PhaseConfig,
        group: ProcessGroup,
        parent: Parent,
        plan: TrainingPlan,
        sets: Sequence[ExampleSet],
    ) -> None:
        self._config, self._group, self._parent, self._plan = config, group, parent, plan
        self._heads = heads_of(sets)
        device = rank_device(group)
        model = MultiTaskModel(parent.bundle.model, self._heads, config.seed)
        self._frozen = freeze_embeddings(model) if config.engine.freeze_embeddings else {}
        self._engine = build_engine(model.to(device), config, group)
        self._loop = Loop(
            self._engine,
            plan,
            config,
            group,
            pad_id=int(parent.bundle.tokenizer.pad_token_id),
            device=device,
        )

    def train(self, stop: StopFlag) -> None:
        """From the newest resume point, or the start, to the last step."""
        config, group = self._config, self._group
        point = self._find_resume()
        first_step = point.state.step if point else 0
        if point:
            load_resume(self._engine, point)
        with Monitor(config.run_folder, group, first_step) as monitor:
            monitor.event("start", **self._start_facts(first_step))
            logs = LogHook(monitor, config, group, self._plan.num_steps)
            save = SaveHook(self._engine, config, group, stop, logs)
            self._loop.run(first_step, [logs, save])

    def publish(self, data: dict[str, object]) -> None:
        """Publishes encoder and heads, and removes the resume points (a collective)."""
        weights = gather_weights(self._engine, self._frozen, self._group)
        if self._group.is_main:
            bundle = self._parent.bundle
            bundle.model.config.architectures = [type(bundle.model).__name__]
            publish(
                self._config.output,
                _below("encoder.", weights),
                _below("bank.heads.", weights),
                bundle.model.config,
                bundle.tokenizer,
                self._manifest(data),
            )
            remove_all(resume_folder(self._config))
            log(f"{self._config.name}: published {self._config.output}")
        self._group.barrier()

    def close(self) -> None:
        """Gives the memory back."""
        release(self._engine)

    def _find_resume(self) -> ResumePoint | None:
        """The same point on every rank: rank 0 looks, and reads the files once (a collective)."""
        folder = resume_folder(self._config)
        point = self._group.broadcast(find_resume(folder) if self._group.is_main else None)
        if point:
            check_resume(point, loop_state(self._config, 0, self._group))
        return point

    def _start_facts(self, first_step: int) -> dict[str, object]:
        facts: dict[str, object] = {
            "phase": self._config.name,
            "key": self._config.model_key,
            "first_step": first_step,
            "num_steps": self._plan.num_steps,
            "world_size": self._group.world_size,
            "settings": to_table(self._config),
        }
        if self._group.is_main:
            log(
                f"{self._config.name}: steps {first_step + 1} to {self._plan.num_steps}, "
                f"{self._group.world_size} ranks, ZeRO {self._config.engine.zero_stage}, "
                f"{self._config.engine.precision}"
            )
        return facts

    def _manifest(self, data: dict[str, object]) -> Manifest:
        config = self._config
        settings = to_table(config)
        for elsewhere in ("output", "parent", "key"):
            settings.pop(elsewhere, None)
        record = PhaseRecord(
            config.name, config.role, tuple(use.task for use in config.tasks), config.seed
        )
        return Manifest(
            key=config.model_key,
            name=config.name,
            encoder=self._parent.encoder,
            lineage=(*self._parent.lineage, record),
            heads=self._heads,
            parent=self._parent.key,
            data=data,
            settings={**settings, "num_steps": self._plan.num_steps},
            deviations=_deviations(config),
            few_shot=(*self._parent.few_shot, *_few_shot(config)),
            versions=_versions(),
        )


def _check_ranks(config: PhaseConfig, group: ProcessGroup) -> None:
    """Says that the ranks do not divide a step before anything is read or built."""
    deepspeed_config(
        config.schedule, config.batch, config.engine, world_size=group.world_size, device="cpu"
    )


def _deviations(config: PhaseConfig) -> tuple[str, ...]:
    """What the phase does other than the paper, whatever its schedule."""
    found = ["a step is a fixed number of micro-batches within a token budget, not of examples"]
    if config.engine.freeze_embeddings:
        found.append("word embeddings were not trained")
    if config.engine.precision != "fp32":
        found.append(f"computed in {config.engine.precision} with fp32 master weights")
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


def _below(prefix: str, weights: dict[str, Any]) -> dict[str, torch.Tensor]:
    return {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}
