"""The hook that saves resume points: every so many steps, and when the run is told to stop."""

from pathlib import Path
from typing import Any

from dstilts.checkpoints.resume import LoopState, save_resume
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.hooks import Hook, StepResult
from dstilts.engine.monitor import LogHook
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.preemption import Preempted, StopFlag


def loop_state(config: PhaseConfig, step: int, group: ProcessGroup) -> LoopState:
    """The state to save before `step` is taken."""
    return LoopState(config.model_key, step, group.world_size, config.engine.zero_stage)


def resume_folder(config: PhaseConfig) -> Path:
    """Where the resume points of a phase stand."""
    return config.run_folder / "resume"


class SaveHook(Hook):
    """Saves after every `save_every` steps and, once any rank was told to stop, before the end."""

    def __init__(
        self,
        engine: Any,
        config: PhaseConfig,
        group: ProcessGroup,
        stop: StopFlag,
        logs: LogHook,
    ) -> None:
        self._engine = engine
        self._config = config
        self._group = group
        self._stop = stop
        self._logs = logs

    def after_step(self, result: StepResult) -> None:
        """Saves if it is time.

        Raises:
            Preempted: the ranks agreed to stop; the run is saved.
        """
        every = self._config.engine.save_every
        must_stop = self._stop.agreed()
        if must_stop or (every is not None and (result.step + 1) % every == 0):
            # Flushed first: a state whose losses are no numbers is never saved.
            self._logs.flush()
            point = save_resume(
                self._engine,
                resume_folder(self._config),
                loop_state(self._config, result.step + 1, self._group),
                self._group,
            )
            if self._group.is_main:
                log(f"{self._config.name}: saved {point}")
        if must_stop:
            raise Preempted
