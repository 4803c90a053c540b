"""The Slurm executor: a job a node, through submitit; a phase waits for the one it starts from.

A job that comes near its time limit saves itself and is queued again, until its node is done.
"""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstilts.core.errors import RunError, UserError
from dstilts.core.files import read_json, write_json
from dstilts.core.logs import log
from dstilts.sweep.claims import Claims
from dstilts.sweep.graph import Graph, Node, PhaseNode
from dstilts.sweep.grid import Grid
from dstilts.sweep.kept_grids import Chosen, keep_grid, read_kept
from dstilts.sweep.local import KEEP_MEMORY
from dstilts.sweep.prepare import prepare
from dstilts.sweep.scheduler import sum_up
from dstilts.sweep.state import RunsState

_POLL_SECONDS = 5.0
_WAIT_SECONDS = 600.0  # of ranks of a job that was put back, for Slurm to end them


@dataclass(frozen=True)
class SlurmOptions:
    """What every job asks for.

    Attributes:
        nodes: of a training job; an evaluation's ranks run on as many.
        ranks: tasks a node, each with a GPU where `gpus` is given.
        minutes: the time limit, after which a job is queued again.
        mpi: what srun speaks with the ranks of an evaluation.
    """

    nodes: int = 1
    ranks: int = 1
    cpus: int = 1
    gpus: int | None = None
    minutes: int = 480
    partition: str | None = None
    account: str | None = None
    mpi: str = "pmi2"
    save_seconds: int = 120


class NodeJob:
    """What a job runs on each of its ranks; submitit keeps it in a file."""

    def __init__(self, file: Path, key: str) -> None:
        self._file = file
        self._key = key

    def __call__(self) -> str:
        """Runs the node; "done", or "again" where the job goes back to the queue."""
        from dstilts.engine.preemption import Preempted

        try:
            return self._run()
        except Preempted:
            self._put_back()
            return "again"

    def checkpoint(self) -> Any:
        """What submitit queues again when the time is up before training has begun."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def _run(self) -> str:
        from dstilts.core.process_group import launched_ranks
        from dstilts.sweep.node import run_phase

        chosen = read_kept(self._file)
        runs = self._file.parent.parent
        state = RunsState(runs)
        node = prepare(chosen.grid, runs).by_key[self._key]
        if not isinstance(node, PhaseNode):
            return _evaluate(node, chosen.grid, state)
        group = launched_ranks()
        claim = _claim(node, state) if group.is_main else None
        try:
            if not state.is_done(node):
                run_phase(node, state, group)
        except Exception as error:
            if group.is_main:
                state.fail(node, str(error), mistake=isinstance(error, UserError))
            raise
        finally:
            if claim is not None:
                claim.release()
        return "done"

    def _put_back(self) -> None:
        """Queues the job again by its first rank; Slurm then ends all of them."""
        import os

        if os.environ.get("SLURM_PROCID", "0") == "0":
            log("stopped; the job goes back to the queue")
            subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], check=True)
        time.sleep(_WAIT_SECONDS)


def _evaluate(node: Any, grid: Grid, state: RunsState) -> str:
    """An evaluation by all ranks of MPI: the first hands out, the others work."""
    from dstilts.evaluation.executors import open_executor
    from dstilts.sweep.node import run_evaluation

    with open_executor(1) as workers:
        if workers is None or state.is_done(node):
            return "done"
        claim = _claim(node, state)
        try:
            run_evaluation(node, grid, state, workers)
        except Exception as error:
            state.fail(node, str(error), mistake=isinstance(error, UserError))
            raise
        finally:
            claim.release()
    return "done"


def _claim(node: Node, state: RunsState) -> Any:
    """The node's claim, once nobody else holds it."""
    claims = Claims(state.runs)
    while (claim := claims.take(node.key)) is None:
        time.sleep(1.0)
    return claim


def run_on_slurm(
    grid: Grid,
    runs: Path,
    options: SlurmOptions,
    nodes: tuple[str, ...] = (),
    *,
    wait: bool = True,
) -> Graph:
    """Submits what of `grid` is missing below `runs`, and waits until it has run.

    Nodes that an earlier call submitted, and that Slurm still knows, are not submitted again. An
    interrupt ends the waiting and leaves the jobs.

    Raises:
        UserError: a mistake in the grid or its data, or no submitit.
        RunError: sbatch refuses.
        IncompleteError: nodes failed; everything that does not need them has been run.
    """
    graph = prepare(grid, runs).only(nodes)
    state = RunsState(runs)
    jobs = _Jobs(runs, keep_grid(Chosen(grid, nodes), runs), options)
    missing = state.missing(graph)
    log(f"nodes: {len(graph.nodes)}, of which {len(graph.nodes) - len(missing)} are done already")
    for node in missing:
        jobs.submit(node)
    if missing:
        log(f"{len(missing)} jobs are in the queue; `squeue` and `dstilts sweep status` show them")
    if not wait:
        return graph
    left = len(missing)
    while missing and jobs.any_live([node.key for node in missing]):
        time.sleep(_POLL_SECONDS)
        missing = state.missing(graph)
        if len(missing) < left:
            left = len(missing)
            log(f"{left} nodes left")
    sum_up(graph, state)
    return graph


def cancel_jobs(runs: Path) -> list[str]:
    """Ends the jobs of a folder that Slurm still knows; those that train save first."""
    jobs = sorted(set(_stored(runs).values()) & _live())
    if jobs:
        subprocess.run(["scancel", *jobs], check=True)
    return jobs


class _Jobs:
    """The jobs of a folder of runs: which node has which."""

    def __init__(self, runs: Path, file: Path, options: SlurmOptions) -> None:
        try:
            import submitit
        except ImportError:
            raise UserError(
                "submitit is not installed", remedy="pip install 'dstilts[slurm]'"
            ) from None
        self._submitit = submitit
        self._runs = runs
        self._file = file.resolve()
        self._options = options
        self._jobs = _stored(runs)
        self._alive = _live()

    def submit(self, node: Node) -> None:
        """Queues a node behind the job of the one it needs."""
        if self._jobs.get(node.key) in self._alive:
            return
        executor = self._submitit.SlurmExecutor(folder=self._runs / "slurm")
        parent = self._jobs.get(node.needs or "")
        after = f"afterok:{parent}" if parent in self._alive else None
        executor.update_parameters(**_parameters(node, self._options, after))
        try:
            job = executor.submit(NodeJob(self._file, node.key))
        except (self._submitit.core.utils.FailedJobError, OSError) as error:
            raise RunError(f"sbatch refuses {node.title}: {error}") from None
        self._jobs[node.key] = str(job.job_id)
        self._alive.add(str(job.job_id))
        write_json(self._runs / "slurm" / "jobs.json", self._jobs)

    def any_live(self, keys: list[str]) -> bool:
        """Whether Slurm still has a job of one of these nodes."""
        alive = _live()
        return any(self._jobs.get(key) in alive for key in keys)


def _parameters(node: Node, options: SlurmOptions, after: str | None) -> dict[str, Any]:
    """Of submitit's executor for one node."""
    is_phase = isinstance(node, PhaseNode)
    # One rank of an evaluation hands out the work.
    ranks = options.ranks if is_phase or options.ranks * options.nodes == 1 else options.ranks + 1
    extra = {"requeue": True, "open-mode": "append", "kill-on-invalid-dep": "yes"}
    found: dict[str, Any] = {
        "job_name": f"dstilts-{node.key}",
        "time": options.minutes,
        "nodes": options.nodes,
        "ntasks_per_node": ranks,
        "cpus_per_task": options.cpus,
        "signal_delay_s": options.save_seconds,
        "setup": _setup(options),
        "srun_args": ["--kill-on-bad-exit=0", "--wait=60"],
        "additional_parameters": extra,
    }
    if not is_phase and ranks * options.nodes > 1:
        found["srun_args"] = [f"--mpi={options.mpi}", "--kill-on-bad-exit=1"]
    optional = {
        "gpus_per_node": options.gpus,
        "partition": options.partition,
        "account": options.account,
        "dependency": after,
    }
    return found | {name: value for name, value in optional.items() if value is not None}


def _setup(options: SlurmOptions) -> list[str]:
    """Before srun: what sums depend on is the number of threads, as on this machine's slots."""
    variables: dict[str, object] = {
        "OMP_NUM_THREADS": options.cpus,
        "SRUN_CPUS_PER_TASK": options.cpus,
    }
    if options.gpus is None:
        variables |= {"DS_ACCELERATOR": "cpu", **KEEP_MEMORY}
    # A launch that this was started from is not the job's.
    return ["unset RANK LOCAL_RANK WORLD_SIZE", *(f"export {n}={v}" for n, v in variables.items())]


def _stored(runs: Path) -> dict[str, str]:
    file = runs / "slurm" / "jobs.json"
    stored: Mapping[str, str] = read_json(file) if file.is_file() else {}
    return dict(stored)


def _live() -> set[str]:
    """The jobs of this user that are waiting or running.

    Raises:
        RunError: Slurm does not answer.
    """
    try:
        done = subprocess.run(
            ["squeue", "--me", "--noheader", "--format=%A"],
            check=True,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise UserError("squeue is not here", remedy="run this where Slurm is") from None
    except subprocess.CalledProcessError as error:
        raise RunError(f"Slurm does not answer: {error.stderr.strip()}") from None
    return set(done.stdout.split())
