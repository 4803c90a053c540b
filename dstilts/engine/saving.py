"""The hook that saves resume points: every so many steps, and when the run is told to stop."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from dstilts.checkpoints.resume import LoopState, ResumePoint, save_resume
from dstilts.core.disk import disk_error
from dstilts.core.errors import RunError
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.fragments import (
    fillable_fragments,
    num_updates,
    owned_fragments,
    refresh,
    scaler_state,
    set_scaler_state,
)
from dstilts.engine.hooks import Hook, StepResult
from dstilts.engine.log_hook import LogHook
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.preemption import Preempted, StopFlag
from dstilts.engine.watchdog import Watchdog

NUM_KEPT = 2


def resume_folder(config: PhaseConfig) -> Path:
    """Where the resume points of a phase stand."""
    return config.run_folder / "resume"


class Remembering(Protocol):
    """What has a state of its own between steps."""

    def state(self) -> dict[str, float]:
        """What a resumed run has to know."""

    def load(self, state: dict[str, float]) -> None:
        """Goes on from `state`."""


class Saver:
    """Saves and restores a run.

    Args:
        config: of this attempt: its seed may be another than the phase's.
        remembering: by name what has a state of its own.
    """

    def __init__(
        self,
        engine: Any,
        config: PhaseConfig,
        group: ProcessGroup,
        fuse: int,
        remembering: Mapping[str, Remembering],
    ) -> None:
        self._engine = engine
        self._config = config
        self._group = group
        self._fuse = fuse
        self._remembering = remembering

    def save(self, folder: Path, step: int, *, kept: int) -> Path:
        """Saves the run before `step` is taken (a collective, and a host-device sync).

        Raises:
            OSError: the disk is full, say; on every rank alike. Nothing is left of the point.
        """
        state = LoopState(
            key=self._config.model_key,
            seed=self._config.seed,
            step=step,
            updates=num_updates(self._engine),
            fuse=self._fuse,
            scaler=scaler_state(self._engine),
            hooks={name: each.state() for name, each in self._remembering.items()},
        )
        fragments = owned_fragments(self._engine, self._group)
        return save_resume(folder, state, fragments, self._group, kept=kept)

    def restore(self, point: ResumePoint) -> None:
        """Puts the run back to a point, on whatever number of ranks (a collective)."""
        point.load(fillable_fragments(self._engine))
        refresh(self._engine, point.state.updates)
        set_scaler_state(self._engine, point.state.scaler)
        for name, each in self._remembering.items():
            if name in point.state.hooks:
                each.load(point.state.hooks[name])


class SaveHook(Hook):
    """Saves after every `save_every` steps and, once any rank was told to stop, before the end."""

    def __init__(
        self,
        saver: Saver,
        config: PhaseConfig,
        group: ProcessGroup,
        stop: StopFlag,
        logs: LogHook,
        watchdog: Watchdog,
    ) -> None:
        self._saver = saver
        self._config = config
        self._group = group
        self._stop = stop
        self._logs = logs
        self._watchdog = watchdog

    def after_step(self, result: StepResult) -> bool:
        """Saves if it is time.

        Raises:
            Preempted: the ranks agreed to stop; the run is saved.
            RunError: they agreed to stop, but the disk is full.
        """
        every = self._config.engine.save_every
        must_stop = self._stop.agreed()
        if must_stop or (every is not None and (result.step + 1) % every == 0):
            # Flushed first: a state whose losses are no numbers is never saved.
            self._logs.flush()
            self._watchdog.at("saving", result.step)
            self._save(result.step + 1, must_stop)
        if must_stop:
            self._logs.event("stopped", step=result.step, reason="told to stop, and saved")
            raise Preempted
        return False

    def _save(self, step: int, must_stop: bool) -> None:
        folder, name = resume_folder(self._config), self._config.name
        try:
            point = self._saver.save(folder, step, kept=NUM_KEPT)
        except OSError as error:
            reason = disk_error(error, folder)
            message = f"{name}: step {step} could not be saved in {folder}: {reason}"
            if must_stop:
                raise RunError(f"{message}; the last point before it stays") from None
            if self._group.is_main:
                log(f"{message}; training goes on")
        else:
            self._logs.event("saved", step=step)
            if self._group.is_main:
                log(f"{name}: saved {point}")
