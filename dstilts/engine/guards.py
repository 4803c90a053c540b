"""What is noticed when training goes wrong: no number, a spike, a run that has learnt nothing.

All decisions follow from losses that every rank has alike, so all ranks decide alike.
"""

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dstilts.core.config import build
from dstilts.core.errors import RunError, UserError
from dstilts.core.files import read_json, write_json
from dstilts.engine.log_hook import StepLosses
from dstilts.engine.phase import GuardConfig

_RECENT = 100  # losses of a task that a new one is compared with
_FEW = 10  # with fewer nothing is called a spike; the level before training is their mean
_SHARE_AT_END = 0.25  # of the steps: the stretch whose loss tells whether a run has learnt
_AT_CHANCE = 0.98  # of the loss of guessing
_NUMBER_AT_END = 20  # steps of a task in that stretch, at least


class RolledBack(Exception):
    """Training went wrong: it is to go on from the last resume point, behind the data at fault."""

    def __init__(self, step: int, reason: str) -> None:
        self.step = step  # the last one that was taken
        self.reason = reason
        super().__init__(reason)


class AtChance(Exception):
    """A run has come to its end and learnt nothing."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Attempt:
    """How often a run was set back; kept in its folder, so that a kill changes nothing.

    Attributes:
        restarts: with another seed, from the beginning.
        roll_backs: to a resume point.
        skipped: steps' worth of data that were left out.
    """

    restarts: int = 0
    roll_backs: int = 0
    skipped: int = 0

    @classmethod
    def read(cls, run_folder: Path) -> "Attempt":
        """What was written last; a new run has none."""
        path = run_folder / _FILE
        try:
            return build(cls, read_json(path), file=path)
        except UserError:
            if path.exists():
                raise
            return cls()

    def write(self, run_folder: Path) -> None:
        """Keeps it."""
        write_json(run_folder / _FILE, asdict(self))

    def seed(self, first: int) -> int:
        """The seed of this attempt: far from those that a sweep uses side by side."""
        return first + 1_000_000 * self.restarts


_FILE = "attempt.json"


class LossGuard:
    """Sees every step's losses in order, and raises when they tell that something is wrong.

    Args:
        tasks: the names of the phase's tasks.
        guessing: the loss of each task's classification by guessing; None where it is none.
        num_steps: of the phase.
    """

    def __init__(
        self,
        config: GuardConfig,
        tasks: Sequence[str],
        guessing: Sequence[float | None],
        num_steps: int,
    ) -> None:
        self._config = config
        self._tasks = tasks
        self._guessing = guessing
        self._last_stretch = math.ceil(num_steps * (1 - _SHARE_AT_END))
        self._recent: list[deque[float]] = [deque(maxlen=_RECENT) for _ in tasks]
        self._first = [0.0] * len(tasks)
        self._num_first = [0] * len(tasks)
        self._at_end = [0.0] * len(tasks)
        self._num_at_end = [0] * len(tasks)

    def look(self, steps: Sequence[StepLosses]) -> None:
        """Looks at the steps since the last time, in order.

        Raises:
            RolledBack: a loss is no finite number, or far above all that was before.
        """
        for one in steps:
            if not math.isfinite(one.loss):
                reason = f"the loss is {one.loss} at step {one.step + 1}"
                raise RolledBack(steps[-1].step, reason)
            for number, loss in enumerate(one.by_task):
                if loss is not None:
                    self._see_task(one.step, number, loss, steps[-1].step)

    def at_chance(self) -> str | None:
        """Whether a classification ends as it would by guessing; in words, or None.

        The paper's authors and others saw such runs (33 % on XNLI) and started them again.
        """
        for number, (task, guessing) in enumerate(zip(self._tasks, self._guessing, strict=True)):
            if guessing is None or self._num_at_end[number] < _NUMBER_AT_END:
                continue
            mean = self._at_end[number] / self._num_at_end[number]
            if mean > _AT_CHANCE * guessing:
                return (
                    f"{task} has learnt nothing: its loss over the last quarter is {mean:.3f}, "
                    f"that of guessing {guessing:.3f}"
                )
        return None

    def state(self) -> dict[str, float]:
        """What a resumed run has to know."""
        columns: dict[str, Sequence[float]] = {
            "first": self._first,
            "num_first": self._num_first,
            "at_end": self._at_end,
            "num_at_end": self._num_at_end,
        }
        state = {
            f"{name}/{number}": float(value)
            for name, column in columns.items()
            for number, value in enumerate(column)
        }
        for number, recent in enumerate(self._recent):
            state.update({f"recent/{number}/{place}": loss for place, loss in enumerate(recent)})
        return state

    def load(self, state: dict[str, float]) -> None:
        """Goes on from `state`."""
        for number in range(len(self._tasks)):
            self._first[number] = state[f"first/{number}"]
            self._num_first[number] = int(state[f"num_first/{number}"])
            self._at_end[number] = state[f"at_end/{number}"]
            self._num_at_end[number] = int(state[f"num_at_end/{number}"])
            for place in range(_RECENT):
                if (loss := state.get(f"recent/{number}/{place}")) is not None:
                    self._recent[number].append(loss)

    def _see_task(self, step: int, number: int, loss: float, until: int) -> None:
        recent = self._recent[number]
        if self._num_first[number] < _FEW:
            self._num_first[number] += 1
            self._first[number] += (loss - self._first[number]) / self._num_first[number]
        elif self._config.spike and len(recent) >= _FEW:
            # Late in training single batches are often many times the median: only what is also
            # above the level before training is a spike.
            level = max(self._config.spike * statistics.median(recent), 2 * self._first[number])
            if loss > level:
                name = self._tasks[number]
                raise RolledBack(until, f"the loss of {name} rose to {loss:.3g} at step {step + 1}")
        recent.append(loss)
        if step >= self._last_stretch:
            self._at_end[number] += loss
            self._num_at_end[number] += 1


def set_back(
    attempt: Attempt, config: GuardConfig, name: str, error: RolledBack, to: int
) -> Attempt:
    """The attempt after a roll-back to step `to`.

    Raises:
        RunError: it was rolled back too often.
    """
    if attempt.roll_backs >= config.roll_backs:
        raise RunError(
            f"{name}: {error.reason}, after {attempt.roll_backs} roll-backs: lower "
            "schedule.learning_rate, or use engine.precision = 'fp32'; nothing was published"
        )
    return Attempt(attempt.restarts, attempt.roll_backs + 1, attempt.skipped + error.step + 1 - to)


def restarted(attempt: Attempt) -> Attempt:
    """The attempt after one that learnt nothing: another seed, from the beginning."""
    return Attempt(attempt.restarts + 1)
