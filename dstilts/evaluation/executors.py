"""Who runs shards: ranks of MPI, processes, or a thread of this process."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, cast

from dstilts.core.logs import log
from dstilts.evaluation import worker

HANGS = 69  # the exit code of a job of which a rank hangs, as in training
_GOODBYE_SECONDS = 600.0  # ranks end with what they are at; one that does not by then hangs

# What launchers set: the number of ranks of the job, and a rank's number on its node.
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
_RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK")
_LOCAL_RANKS = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")
_LOCAL_SIZES = ("MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE")


class Worker(Protocol):
    """Runs one thing at a time."""

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Runs a function of a module; its result is sent back."""
        ...

    def replace(self) -> bool:
        """Ends what the worker does, whatever that is; whether it can work again after that."""
        ...


@dataclass
class Workers:
    """All workers of an evaluation.

    Attributes:
        threads: of each.
        has_lost: whether one hangs that cannot be ended.
    """

    each: Sequence[Worker]
    threads: int
    has_lost: bool = False


@contextlib.contextmanager
def open_executor(workers: int) -> Iterator[Workers | None]:
    """Workers for `run_shard`, the same interface whatever is behind it.

    Under mpiexec (or srun with MPI) with several ranks, rank 0 gets the workers and all others
    serve it: for them the context begins when rank 0 has left it, with None, and `evaluate` does
    nothing. So every rank runs the same program, and whatever may fail on the way belongs inside
    the context: a rank 0 that never opens it leaves the others waiting. Otherwise `workers`
    processes, or one thread of this process. Each worker gets its share of the cores; the number of
    threads may change the last bits of a sum, nothing else depends on how shards are run.
    """
    if _launched_by_mpi():
        with _ranks() as ranks:
            yield ranks
    elif workers > 1:
        threads = max(1, _num_cores() // workers)
        processes = [_Process(threads, number) for number in range(workers)]
        try:
            yield Workers(processes, threads)
        finally:
            for process in processes:
                process.replace()  # idle, or given up: what is done is written
    else:
        with ThreadPoolExecutor(1) as executor:
            yield Workers([_Slot(executor)], worker.num_threads())


class _Process:
    """A process of its own, so that only its own shard is lost with it."""

    def __init__(self, threads: int, number: int) -> None:
        self._arguments = (threads, number)
        self._executor: ProcessPoolExecutor | None = None

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                1,
                mp_context=_context(),
                initializer=_start_process,
                initargs=(dict(os.environ), *self._arguments),
            )
        return self._executor.submit(function, *arguments)

    def replace(self) -> bool:
        executor, self._executor = self._executor, None
        if executor is not None:
            # There is no public way before `kill_workers` of Python 3.14.
            for process in list((executor._processes or {}).values()):
                process.kill()  # a stopped process ends by nothing less
            executor.shutdown(wait=False, cancel_futures=True)
        return True


class _Slot:
    """A rank, or the thread, of an executor that has as many slots."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        return self._executor.submit(function, *arguments)

    def replace(self) -> bool:
        return False  # a rank ends with the whole job only, a thread with the process


@contextlib.contextmanager
def _ranks() -> Iterator[Workers | None]:
    from mpi4py import MPI
    from mpi4py.futures import MPICommExecutor

    # Rank 0 hands out the work, so on its node one rank fewer computes.
    local_workers = max(1, _variable(_LOCAL_SIZES, MPI.COMM_WORLD.size) - 1)
    threads = max(1, _num_cores() // local_workers)
    pool = MPICommExecutor(MPI.COMM_WORLD, root=0, initializer=_start_rank, initargs=(threads,))
    goodbye = threading.Timer(_GOODBYE_SECONDS, _abort, (MPI,))
    goodbye.daemon = True
    with contextlib.ExitStack() as stack:
        stack.callback(goodbye.cancel)
        executor = stack.enter_context(pool)
        if executor is None:
            yield None  # this rank has served
            return
        ranks = Workers([_Slot(cast(Executor, executor))] * (MPI.COMM_WORLD.size - 1), threads)
        try:
            yield ranks
        finally:
            if ranks.has_lost:
                _abort(MPI)
            goodbye.start()


def _abort(mpi: Any) -> None:
    """Ends the job: a rank that hangs would never be waited for to the end."""
    error = sys.exc_info()[1]
    if error is not None:
        log(str(error))
    log("a rank hangs, and ends with the whole job; all that was computed is written")
    sys.stdout.flush()
    mpi.COMM_WORLD.Abort(HANGS)


def _context() -> Any:
    """Processes that are forked from one which has imported everything, and done nothing else: so
    a worker begins at once, and one that takes a lost one's place too."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([worker.__name__])
    return context


def _start_process(environment: dict[str, str], threads: int, number: int) -> None:
    os.environ.update(environment)  # the one they are forked from may be older
    # An interrupt on a terminal reaches all processes; the one that hands out the work decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    worker.start(threads, number)


def _end_with_parent() -> None:
    """A worker would wait forever for the next shard of a process that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _start_rank(threads: int) -> None:
    worker.start(threads, _variable(_LOCAL_RANKS, 1))


def _launched_by_mpi() -> bool:
    ranked = any(name in os.environ for name in _RANKS)
    return ranked and _variable(_SIZES, 1) > 1


def _variable(names: tuple[str, ...], default: int) -> int:
    return next((int(os.environ[name]) for name in names if name in os.environ), default)


def _num_cores() -> int:
    return len(os.sched_getaffinity(0))
