"""Which task each global step trains: drawn from the mixture, a pure function of (seed, step)."""

import threading

import numpy as np

from dstilts.core.random_numbers import stream

_FIRST = 1024  # steps that are drawn at once; then always as many as there are


class TaskSchedule:
    """The tasks of all steps of a phase.

    Every draw depends on the seed and the step alone, so the schedule of a longer phase begins with
    that of a shorter one, and a resumed run needs nothing but its step. A phase that draws several
    tasks a step asks for the draws one by one: k a step are the steps k * step + 0 ... k - 1 here.

    Any step may be asked for; threads may share a schedule.

    Args:
        seed: of the phase.
        weights: the probability of each task.
        num_steps: so many are drawn at once; without it they are drawn when they are asked for.
    """

    def __init__(self, seed: int, weights: np.ndarray, num_steps: int = 0) -> None:
        self._edges = np.cumsum(weights)
        self._draws = stream(seed, "schedule")
        self._tasks = np.empty(0, dtype=np.int64)
        self._local = np.empty(0, dtype=np.int64)
        self._lock = threading.Lock()
        self._draw(num_steps)

    def task_at(self, step: int) -> int:
        """The index of the task that a step trains."""
        self._reach(step)
        return int(self._tasks[step])

    def local_step(self, step: int) -> int:
        """How many earlier steps train the same task: its own step number."""
        self._reach(step)
        return int(self._local[step])

    def _reach(self, step: int) -> None:
        if step < 0:
            raise IndexError(f"steps count from 0, not from {step}")
        with self._lock:
            drawn = len(self._tasks)
            if step >= drawn:
                self._draw(max(step + 1 - drawn, drawn, _FIRST))

    def _draw(self, number: int) -> None:
        """Draws so many further steps; what the generator gives does not depend on the portions."""
        # The last edge may fall short of 1 by rounding; a draw above it belongs to the last task.
        found = np.searchsorted(self._edges, self._draws.random(number), side="right")
        tasks = np.minimum(found, len(self._edges) - 1)
        local = np.empty(number, dtype=np.int64)
        for task in range(len(self._edges)):
            steps = np.flatnonzero(tasks == task)
            local[steps] = np.arange(len(steps)) + np.count_nonzero(self._tasks == task)
        self._local = np.concatenate([self._local, local])
        self._tasks = np.concatenate([self._tasks, tasks])
