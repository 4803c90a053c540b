"""One training phase from configuration to published model."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from dstilts.checkpoints.manifest import read_manifest
from dstilts.checkpoints.publish import is_published
from dstilts.checkpoints.resume import find_resume, remove_all
from dstilts.core.errors import RunError, UserError
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.data import PreparedTasks, heads_of, prepare_tasks, token_rows
from dstilts.engine.deepspeed_config import deepspeed_config
from dstilts.engine.guards import AtChance, Attempt, RolledBack, restarted, set_back
from dstilts.engine.parent import Parent, check_lengths, load_parent
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.plan import TaskRows
from dstilts.engine.preemption import Preempted, StopFlag
from dstilts.engine.saving import resume_folder
from dstilts.engine.setup import check_precision, rank_device, start_processes
from dstilts.engine.trainer import Trainer
from dstilts.engine.validation import best_folder, validation_sets
from dstilts.engine.watchdog import Watchdog
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.open_source import open_source


def train_phase(config: PhaseConfig, group: ProcessGroup) -> Path:
    """Trains one phase on all ranks of `group` and returns the published folder (a collective).

    A phase that was published before returns at once; one that was interrupted goes on where it was
    saved, on any number of ranks. May be called again in the same process for the next phase.

    Raises:
        UserError: a mistake in the configuration or the data.
        RunError: training cannot go on.
        Preempted: the run was told to stop and has saved itself; ends the process with code 75.
    """
    if is_finished(config):
        if group.is_main:
            log(f"{config.name}: published before in {config.output}")
        return config.output
    config = _on_ranks(config, group)
    parent = _start(config, group)
    tasks = prepare_tasks(config, parent.bundle.tokenizer, group)
    validation: list[TaskRows] = []
    if config.early_stop is not None:
        source = open_source(config.data.source, config.data.folder)
        sets = validation_sets(config, config.early_stop, source)
        validation = token_rows(sets, parent.bundle.tokenizer, config.batch, group)
    _train(config, group, parent, tasks, validation)
    return config.output


def train_on(
    config: PhaseConfig,
    group: ProcessGroup,
    sets: Sequence[ExampleSet],
    data: dict[str, object],
    validation: Sequence[ExampleSet] = (),
) -> Path:
    """`train_phase` on example sets at hand, one a task in the order of `config.tasks`.

    Args:
        data: what the manifest says of the sets.
        validation: for early stopping.
    """
    config = _on_ranks(config, group)
    parent = _start(config, group)
    tokenizer = parent.bundle.tokenizer
    tasks = PreparedTasks(token_rows(sets, tokenizer, config.batch, group), heads_of(sets), data)
    rows = token_rows(validation, tokenizer, config.batch, group)
    _train(config, group, parent, tasks, rows)
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


def _on_ranks(config: PhaseConfig, group: ProcessGroup) -> PhaseConfig:
    return dataclasses.replace(config, engine=config.engine.on_ranks(group.world_size))


def _start(config: PhaseConfig, group: ProcessGroup) -> Parent:
    """Everything that can be wrong is looked at before anything is read, built or sent."""
    check_precision(config.engine.precision)
    deepspeed_config(
        config.schedule, config.batch, config.engine, world_size=group.world_size, device="cpu"
    )
    start_processes(group, config.engine.timeout_minutes)
    rank_device(group)  # NCCL's first collective is to be on this rank's own device
    parent = _parent(config, config.seed)
    check_lengths(config.batch, parent.bundle)
    return parent


def _parent(config: PhaseConfig, seed: int) -> Parent:
    return load_parent(config.parent, seed if config.from_scratch else None)


def _train(
    config: PhaseConfig,
    group: ProcessGroup,
    parent: Parent | None,
    tasks: PreparedTasks,
    validation: Sequence[TaskRows],
) -> None:
    """Attempts until one is published; what went wrong before is kept in the run's folder."""
    watchdog = Watchdog(config.run_folder, group, config.engine.timeout_minutes)
    with StopFlag(group) as stop, watchdog:
        while True:
            attempt = group.broadcast(Attempt.read(config.run_folder) if group.is_main else None)
            assert attempt is not None
            # A run that was started anew has another seed, but stays the same model.
            this = dataclasses.replace(config, seed=attempt.seed(config.seed), key=config.model_key)
            trainer = Trainer(
                this,
                attempt,
                group,
                parent or _parent(config, this.seed),
                tasks,
                validation,
                stop,
                watchdog,
            )
            parent = None  # its weights are the trainer's now
            try:
                trainer.train()
                trainer.publish()
                break
            except (RolledBack, AtChance) as error:
                _set_back(config, group, attempt, error)
            except (RuntimeError, MemoryError, OSError) as error:
                message = trainer.why(error)
                if message is None:
                    raise
                raise RunError(message) from error
            trainer.close()
        trainer.close()
        if stop.agreed():
            # Told to stop while publishing: this phase is done, the next one is not begun.
            raise Preempted


def _set_back(
    config: PhaseConfig, group: ProcessGroup, attempt: Attempt, error: RolledBack | AtChance
) -> None:
    """Keeps what went wrong and what is left out because of it (a collective)."""
    if isinstance(error, AtChance):
        if group.is_main:
            remove_all(resume_folder(config))
            remove_all(best_folder(config))
        following = restarted(attempt)
        then = f"begins anew with seed {following.seed(config.seed)}"
    else:
        point = find_resume(resume_folder(config), group)
        step = point.state.step if point else 0
        following = set_back(attempt, config.guards, config.name, error, step)
        then = f"goes on from step {step}, without the data at fault"
    if group.is_main:
        following.write(config.run_folder)
        log(f"{config.name}: {error}; {then}")
    group.barrier()
