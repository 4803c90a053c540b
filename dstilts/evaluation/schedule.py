"""Hands shards to workers, and does again what is lost: with a worker, by one that hangs, by an
error. A shard that fails three times is given up; the others go on.
"""

import contextlib
import queue
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dstilts.core.disk import disk_error, is_disk_full
from dstilts.core.errors import RunError, UserError
from dstilts.core.logs import duration, log
from dstilts.evaluation.executors import Worker, Workers
from dstilts.evaluation.shards import Shard

TRIES = 3
PATIENCE = 300.0  # seconds that every shard has
START_PATIENCE = 600.0  # the same where a worker has to start, or to load a model
SLOWNESS = 20.0  # a shard that takes so many times its estimate on top of that hangs
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Outcome:
    """A shard that is done, or given up for a reason."""

    shard: Shard
    problem: str | None = None


@dataclass(frozen=True)
class _Failure:
    reason: str
    is_disk_full: bool


@dataclass
class _Running:
    shard: Shard
    worker: Worker
    future: Future[Any]
    seconds: float = 0.0


def attempt(run: Callable[[Shard], object], shard: Shard) -> UserError | _Failure | None:
    """Runs a shard in a worker; what it raises comes back as a value, for not all can be sent."""
    try:
        run(shard)
    except UserError as error:
        return error
    except Exception as error:
        if is_disk_full(error):
            return _Failure(disk_error(error, shard.file.parent), is_disk_full=True)
        place = traceback.extract_tb(error.__traceback__)[-1]
        words = " ".join(f"{type(error).__name__}: {error}".split())
        where = f"{Path(place.filename).name}:{place.lineno}"
        return _Failure(f"{words} ({where})", is_disk_full=False)
    return None


class Schedule:
    """A thread hands out the shards, so that merging and scoring keep no worker waiting.

    A context: at its end, and after a mistake or an interrupt, what still runs is given up.

    Args:
        run: a function of a module, for it is sent to workers.
    """

    def __init__(self, workers: Workers, run: Callable[[Shard], object]) -> None:
        self._workers = workers
        self._run = run
        self._idle = deque(enumerate(workers.each))
        self._todo: deque[Shard] = deque()
        self._running: dict[int, _Running] = {}  # by number of the worker
        self._tries: Counter[Path] = Counter()
        self._models: dict[int, str] = {}  # that each worker is known to have loaded
        self._lost_in_a_row = 0
        self._taken = self._expected = 0.0  # seconds of the shards that are done
        self._stopped = False
        # What is to be done in the thread: nothing above is touched by another one.
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def add(self, shards: Iterable[Shard]) -> None:
        """Appends work."""
        found = list(shards)
        self._events.put(lambda: self._todo.extend(found))

    def again(self, shard: Shard, reason: str) -> None:
        """Takes back a shard that was done, as if it had failed."""
        self._events.put(lambda: self._fail(shard, reason))

    def next(self) -> Outcome:
        """Waits for the next shard that is done or given up.

        Raises:
            UserError: a worker found a mistake.
            RunError: a disk is full, or no worker can work.
        """
        outcome = self._outcomes.get()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._events.put(self._stop)
        self._thread.join()
        for running in self._running.values():
            running.future.cancel()
            running.worker.replace()

    def _stop(self) -> None:
        self._stopped = True

    def _serve(self) -> None:
        try:
            clock = time.monotonic()
            while not self._stopped:
                self._hand_out()
                with contextlib.suppress(queue.Empty):
                    self._events.get(timeout=_LOOK_SECONDS)()
                now = time.monotonic()
                # Of a time in which this process stood still too, a worker is not to blame.
                self._look(min(now - clock, 2 * _LOOK_SECONDS))
                clock = now
        except BaseException as error:
            self._outcomes.put(error)

    def _hand_out(self) -> None:
        while self._todo and self._idle:
            shard, (number, worker) = self._todo.popleft(), self._idle.popleft()
            try:
                future = worker.submit(attempt, self._run, shard)
            except BrokenExecutor:  # it ended while it was idle
                worker.replace()
                future = worker.submit(attempt, self._run, shard)
            running = _Running(shard, worker, future)
            self._running[number] = running
            future.add_done_callback(self._ender(number, running))

    def _ender(self, number: int, running: _Running) -> Callable[[Future[Any]], None]:
        def done(_: Future[Any]) -> None:
            self._events.put(lambda: self._end(number, running))

        return done

    def _end(self, number: int, running: _Running) -> None:
        if self._running.get(number) is not running:
            return  # it was given up before
        error = running.future.exception()
        if isinstance(error, BrokenExecutor):
            self._lose(number, running, "its worker was lost")
            return
        if error is not None:
            raise error
        del self._running[number]
        self._idle.append((number, running.worker))
        self._lost_in_a_row = 0
        result = running.future.result()
        if isinstance(result, UserError):
            raise result
        if result is None:
            if self._models.get(number) == running.shard.digest:
                self._taken += running.seconds
                self._expected += running.shard.seconds
            self._models[number] = running.shard.digest
            self._outcomes.put(Outcome(running.shard))
        elif result.is_disk_full:
            raise RunError(
                f"{result.reason}: what was computed before is kept: make room and start again"
            )
        else:
            self._fail(running.shard, result.reason)

    def _look(self, seconds: float) -> None:
        """Ends workers that hang; a worker alone has nobody who could take its shard."""
        slowness = SLOWNESS * max(1.0, self._taken / (self._expected or 1.0))
        for number, running in list(self._running.items()):
            running.seconds += seconds
            is_loaded = self._models.get(number) == running.shard.digest
            patience = PATIENCE if is_loaded else START_PATIENCE
            patience += slowness * running.shard.seconds
            if running.seconds >= patience and len(self._workers.each) > 1:
                reason = f"its worker did not answer for {duration(patience)}"
                self._lose(number, running, reason)
        if not self._running and not self._idle:
            raise RunError("all workers hang; what was computed is kept: start again")

    def _lose(self, number: int, running: _Running, reason: str) -> None:
        del self._running[number]
        self._models.pop(number, None)
        if running.worker.replace():
            self._idle.append((number, running.worker))
        else:
            self._workers.has_lost = True
        self._lost_in_a_row += 1
        if self._lost_in_a_row > TRIES * len(self._workers.each):
            raise RunError(
                f"{self._lost_in_a_row} workers in a row were lost, the last one on "
                f"{running.shard.model}: {reason}; they were killed, perhaps for want of memory"
            )
        self._fail(running.shard, reason)

    def _fail(self, shard: Shard, reason: str) -> None:
        self._tries[shard.file] += 1
        tries = self._tries[shard.file]
        if tries >= TRIES:
            self._outcomes.put(Outcome(shard, reason))
            return
        log(f"shard {shard.name}: {reason}; it is done again (try {tries + 1} of {TRIES})")
        self._todo.appendleft(shard)
