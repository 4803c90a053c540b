"""Which task each global step trains: drawn from the mixture, a pure function of (seed, step)."""

import numpy as np

from dstilts.core.random_numbers import stream


class TaskSchedule:
    """The tasks of all steps of a phase.

    Every draw depends on the seed and the step alone, so the schedule of a longer phase begins with
    that of a shorter one, and a resumed run needs nothing but its step.

    Args:
        seed: of the phase.
        weights: the probability of each task.
        num_steps: how many steps can be asked for.
    """

    def __init__(self, seed: int, weights: np.ndarray, num_steps: int) -> None:
        edges = np.cumsum(weights)
        draws = stream(seed, "schedule").random(num_steps)
        # The last edge may fall short of 1 by rounding; a draw above it belongs to the last task.
        self._tasks = np.minimum(np.searchsorted(edges, draws, side="right"), len(weights) - 1)
        self._local = np.empty(num_steps, dtype=np.int64)
        for task in range(len(weights)):
            steps = np.flatnonzero(self._tasks == task)
            self._local[steps] = np.arange(len(steps))

    def task_at(self, step: int) -> int:
        """The index of the task that a step trains."""
        return int(self._tasks[step])

    def local_step(self, step: int) -> int:
        """How many earlier steps train the same task: its own step number."""
        return int(self._local[step])
