"""Where shards run: ranks of MPI, a pool of processes, or a thread of this process."""

import contextlib
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.sharedctypes import Synchronized
from typing import cast

from dstilts.evaluation import worker

# What launchers set: the number of ranks of the job, and a rank's number on its node.
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
_RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK")
_LOCAL_RANKS = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")
_LOCAL_SIZES = ("MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE")


@contextlib.contextmanager
def open_executor(workers: int) -> Iterator[Executor | None]:
    """An executor for `run_shard`, the same interface whatever is behind it.

    Under mpiexec (or srun with MPI) with several ranks, rank 0 gets the executor and all others
    serve it: for them the context begins when rank 0 has left it, with None, and `evaluate` does
    nothing. So every rank runs the same program, and whatever may fail on the way belongs inside
    the context: a rank 0 that never opens it leaves the others waiting. Otherwise `workers`
    processes, or one thread of this process. Each worker gets its share of the cores; the number of
    threads may change the last bits of a sum, nothing else depends on how shards are run.
    """
    if _launched_by_mpi():
        from mpi4py import MPI
        from mpi4py.futures import MPICommExecutor

        # Rank 0 hands out the work, so on its node one rank fewer computes.
        local_workers = max(1, _variable(_LOCAL_SIZES, MPI.COMM_WORLD.size) - 1)
        threads = max(1, _num_cores() // local_workers)
        pool = MPICommExecutor(MPI.COMM_WORLD, root=0, initializer=_start_rank, initargs=(threads,))
        with pool as executor:
            yield cast(Executor | None, executor)  # on the other ranks None, after they have served
    elif workers > 1:
        context = multiprocessing.get_context("spawn")
        number = context.Value("i", 0)
        with ProcessPoolExecutor(
            workers,
            mp_context=context,
            initializer=_start_process,
            initargs=(max(1, _num_cores() // workers), number),
        ) as executor:
            yield executor
    else:
        with ThreadPoolExecutor(1) as executor:
            yield executor


def _start_process(threads: int, number: "Synchronized[int]") -> None:
    with number.get_lock():
        mine = number.value
        number.value += 1
    worker.start(threads, mine)


def _start_rank(threads: int) -> None:
    worker.start(threads, _variable(_LOCAL_RANKS, 1))


def _launched_by_mpi() -> bool:
    ranked = any(name in os.environ for name in _RANKS)
    return ranked and _variable(_SIZES, 1) > 1


def _variable(names: tuple[str, ...], default: int) -> int:
    return next((int(os.environ[name]) for name in names if name in os.environ), default)


def _num_cores() -> int:
    return len(os.sched_getaffinity(0))
