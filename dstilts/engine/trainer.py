"""One attempt at a phase: the engine, what is done with it in order, and the model it publishes."""

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from dstilts.checkpoints.publish import publish
from dstilts.checkpoints.resume import check_resume, find_resume, remove_all
from dstilts.core.config import to_table
from dstilts.core.disk import disk_error, is_disk_full
from dstilts.core.errors import RunError
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.batches import BatchMaker
from dstilts.engine.data import PreparedTasks
from dstilts.engine.diagnosis import explain
from dstilts.engine.flops import ModelFlops
from dstilts.engine.fuse import FuseMemory
from dstilts.engine.gather import gather_weights
from dstilts.engine.guards import AtChance, Attempt, LossGuard, RolledBack
from dstilts.engine.hooks import Hook
from dstilts.engine.learning_rate import decay_until
from dstilts.engine.log_hook import LogHook
from dstilts.engine.loop import Loop
from dstilts.engine.manifest_of import manifest_of
from dstilts.engine.memory_advice import check_fits, out_of_memory_message
from dstilts.engine.memory_estimate import ModelSize
from dstilts.engine.monitor import Monitor
from dstilts.engine.parent import Parent
from dstilts.engine.pass_size import pass_size
from dstilts.engine.peak import matmul_peak
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.plan import TaskRows, TrainingPlan
from dstilts.engine.preemption import StopFlag
from dstilts.engine.saving import NUM_KEPT, SaveHook, Saver, resume_folder
from dstilts.engine.setup import build_engine, rank_device, release
from dstilts.engine.trained_model import TrainedModel
from dstilts.engine.validation import ValidateHook, best_folder
from dstilts.engine.watchdog import Watchdog


class Trainer:
    """The engine of one attempt at a phase.

    Args:
        config: with the seed of this attempt.
        validation: rows for early stopping.
    """

    def __init__(
        self,
        config: PhaseConfig,
        attempt: Attempt,
        group: ProcessGroup,
        parent: Parent,
        tasks: PreparedTasks,
        validation: Sequence[TaskRows],
        stop: StopFlag,
        watchdog: Watchdog,
    ) -> None:
        self._config, self._attempt, self._group = config, attempt, group
        self._parent, self._tasks, self._validation = parent, tasks, validation
        self._stop, self._watchdog = stop, watchdog
        watchdog.at("starting", 0)
        self._plan = TrainingPlan(config, tasks.rows, attempt.skipped)
        self._point = find_resume(resume_folder(config), group)
        if self._point:
            check_resume(self._point, config.model_key)
        self._device = rank_device(group)
        self._trained = TrainedModel(parent.bundle, tasks, validation, config, self._device)
        self._passes = FuseMemory(config, parent.bundle.digest, group, self._device)
        self._check_memory()
        self.fuse = self._pass_size()
        self._flops = ModelFlops.of(self._trained.model)
        self._engine = build_engine(self._trained.model, config, group, self.fuse)
        guessing = [_loss_of_guessing(tasks, rows) for rows in tasks.rows]
        names = [rows.task for rows in tasks.rows]
        self._guard = LossGuard(config.guards, names, guessing, self._plan.num_steps)
        self._at_chance: str | None = None

    def train(self) -> None:
        """From the newest resume point, or the start, to the last step.

        Raises:
            RolledBack: training went wrong, on every rank alike.
            AtChance: it has come to its end and learnt nothing, and may be started anew.
            Preempted: the run was told to stop and has saved itself.
        """
        config, group = self._config, self._group
        first_step = self._point.state.step if self._point else 0
        batches = self._batches(self.fuse)
        with Monitor(config.run_folder, group, first_step) as monitor:
            monitor.event("start", **self._start_facts(first_step))
            logs = LogHook(
                monitor,
                config,
                group,
                self._plan.num_steps,
                device=self._device,
                flops=self._flops,
                peak=matmul_peak(group, self._device, config.engine.precision),
                check=self._guard.look,
            )
            hooks = self._hooks(logs, batches)
            if self._point:
                self._saver.restore(self._point)
            loop = Loop(
                self._engine, self._plan, config, group, batches, self._watchdog, self._device
            )
            try:
                loop.run(first_step, hooks)
            except RolledBack as error:
                monitor.event("rolled_back", step=error.step, reason=error.reason)
                raise
            self._look_at_the_end(monitor)

    def publish(self) -> None:
        """Publishes encoder and heads, and removes the resume points (a collective)."""
        config, group = self._config, self._group
        self._watchdog.at("publishing", self._plan.num_steps - 1)
        step = self._plan.num_steps
        best = find_resume(best_folder(config), group)
        if best:
            self._saver.restore(best)
            step = best.state.step
        decay = decay_until(step, self._plan.num_steps, config.schedule)
        weights = self._trained.restored(
            gather_weights(self._engine, self._trained.frozen, group), decay
        )
        failure = self._write(weights, step) if group.is_main else None
        failure = group.broadcast(failure)
        if failure is not None:
            self._keep_the_end()
            raise RunError(failure)

    def close(self) -> None:
        """Gives the memory back."""
        release(self._engine)

    def why(self, error: Exception) -> str | None:
        """What to do about an error of the system, in one line; None where it needs no words."""
        config, group = self._config, self._group
        message = out_of_memory_message(error, config, group, self._device, self.fuse)
        if message is not None and config.engine.fuse == 0 and self.fuse > 1:
            smaller = self._passes.halve(self.fuse)
            message = f"{message}; the next start takes passes of {smaller}"
        return message or explain(error, config.run_folder, group)

    def _keep_the_end(self) -> None:
        """Saves a run that could not be published, where no point has its end (a collective)."""
        folder, end = resume_folder(self._config), self._plan.num_steps
        point = find_resume(folder, self._group)
        if point is None or point.state.step < end:
            with contextlib.suppress(OSError):
                self._saver.save(folder, end, kept=NUM_KEPT)

    def _write(self, weights: dict[str, Tensor], step: int) -> str | None:
        """Publishes and clears up; says what is in the way where a disk is full."""
        config, bundle = self._config, self._parent.bundle
        bundle.model.config.architectures = [type(bundle.model).__name__]
        try:
            publish(
                config.output,
                _below("encoder.", weights),
                _below("bank.heads.", weights),
                bundle.model.config,
                bundle.tokenizer,
                manifest_of(
                    config, self._attempt, self._parent, self._tasks, step, self._at_chance
                ),
            )
        except Exception as error:
            # safetensors and the tokenizer write by themselves and raise types of their own.
            if not is_disk_full(error):
                raise
            return (
                f"{config.name}: {disk_error(error, config.output)}: nothing was published; the "
                "resume points stay: make room and start again"
            )
        remove_all(resume_folder(config))
        remove_all(best_folder(config))
        log(f"{config.name}: published {config.output}")
        return None

    def _pass_size(self) -> int:
        saved = self._point.state.fuse if self._point else None
        return pass_size(
            self._config,
            saved,
            self._trained.model,
            self._plan,
            self._batches(1),
            self._passes,
            self._group,
            self._device,
        )

    def _check_memory(self) -> None:
        encoder = self._parent.bundle.model.config
        on_cuda = self._device.type == "cuda"
        size = ModelSize.of(self._trained.model, encoder, on_cuda=on_cuda)
        fuse = max(1, self._config.engine.fuse)
        check_fits(self._config, size, self._group, self._device, fuse)

    def _batches(self, fuse: int) -> BatchMaker:
        pad_id = int(self._parent.bundle.tokenizer.pad_token_id)
        return BatchMaker(self._config.seed, pad_id, fuse, self._trained.transforms)

    def _hooks(self, logs: LogHook, batches: BatchMaker) -> list[Hook]:
        config, group = self._config, self._group
        remembering: dict[str, Any] = {"guard": self._guard}
        hooks: list[Hook] = [logs]
        if config.early_stop is not None:
            validate = ValidateHook(
                self._engine,
                self._validation,
                config,
                config.early_stop,
                group,
                batches,
                logs,
                self._watchdog,
                self._plan.num_steps,
            )
            remembering["validation"] = validate
            hooks.append(validate)
        self._saver = Saver(self._engine, config, group, self.fuse, remembering)
        for hook in hooks:
            if isinstance(hook, ValidateHook):
                hook.saver = self._saver
        hooks.append(SaveHook(self._saver, config, group, self._stop, logs, self._watchdog))
        return hooks

    def _look_at_the_end(self, monitor: Monitor) -> None:
        """Notes a run that has learnt nothing.

        Raises:
            AtChance: it may be started anew.
        """
        self._at_chance = self._guard.at_chance()
        if self._at_chance is None:
            return
        monitor.event("at_chance", reason=self._at_chance)
        if self._attempt.restarts < self._config.guards.restarts:
            raise AtChance(self._at_chance)
        if self._group.is_main:
            log(
                f"{self._config.name}: {self._at_chance}; guards.restarts = "
                f"{self._config.guards.restarts + 1} would try another seed"
            )

    def _start_facts(self, first_step: int) -> dict[str, object]:
        config = self._config
        if self._group.is_main:
            log(
                f"{config.name}: steps {first_step + 1} to {self._plan.num_steps}, "
                f"{self._group.world_size} ranks, ZeRO {config.engine.zero_stage}, "
                f"{config.engine.precision}"
            )
        return {
            "phase": config.name,
            "key": config.model_key,
            "first_step": first_step,
            "num_steps": self._plan.num_steps,
            "world_size": self._group.world_size,
            "device": self._device.type,
            "threads": torch.get_num_threads(),
            "settings": to_table(config),
        }


def _loss_of_guessing(tasks: PreparedTasks, rows: TaskRows) -> float | None:
    """Of a classification of pairs; other kinds have no such level, or one that varies."""
    labels = tasks.heads[rows.head].labels
    return math.log(len(labels)) if rows.kind == "pair" and len(labels) > 1 else None


def _below(prefix: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}
