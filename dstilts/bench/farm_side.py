"""One run of one side of the farm's bench: `python -m dstilts.bench.farm_side JOB.json`."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstilts.core.config import build, to_table
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.core.resident import peak_resident_bytes, resident_bytes
from dstilts.evaluation.executors import Worker
from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest, splits_of

# XTREME's scripts cut pairs and tagged sentences at 128 tokens.
MAX_LENGTH = 128


@dataclass(frozen=True)
class FarmJob:
    """What a side has to do."""

    side: str  # "loop" or "farm"
    workers: int
    threads: int  # of a worker
    precision: str
    model: Path
    sets: Path  # a folder of `StoredSets`
    tasks: tuple[str, ...]
    cache: Path
    output: Path
    languages: tuple[str, ...] | None = None  # None: all

    def languages_of(self, found: Iterable[str]) -> tuple[str, ...]:
        """Of a task's languages those that are wanted."""
        return tuple(code for code in found if self.languages is None or code in self.languages)

    def write(self, path: Path) -> None:
        """Writes the job as JSON."""
        write_json(path, to_table(self))

    @property
    def options(self) -> EvaluationOptions:
        """How both sides run the model."""
        return EvaluationOptions(precision=self.precision, max_length=MAX_LENGTH)


class TimedWorker:
    """A worker of whose shards it is noted who ran them and when, in a file for each shard."""

    def __init__(self, worker: Worker, folder: Path) -> None:
        self._worker = worker
        self._folder = folder

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """See `Worker`."""
        return self._worker.submit(_timed, self._folder, function, *arguments)

    def replace(self) -> bool:
        """See `Worker`."""
        return self._worker.replace()


def _timed(folder: Path, function: Callable[..., Any], *arguments: Any) -> Any:
    begun = time.time()
    result = function(*arguments)
    noted = {
        "worker": threading.get_native_id(),
        "process": os.getpid(),
        "cpu_seconds": time.process_time(),
        "begun": begun,
        "ended": time.time(),
        "expected": arguments[-1].seconds,
        "peak": peak_resident_bytes(),
        "own": resident_bytes("RssAnon"),
    }
    write_json(folder / f"{arguments[-1].file.stem}.json", noted)
    return result


def run(job: FarmJob) -> dict[str, Any]:
    """Runs the side and returns what it found, for `result.json`."""
    return _loop(job) if job.side == "loop" else _farm(job)


def _loop(job: FarmJob) -> dict[str, Any]:
    from dstilts.bench.farm_data import StoredSets
    from dstilts.bench.farm_loop import run_loop
    from dstilts.evaluation.plan import evaluation_sets

    source = StoredSets(job.sets)
    sets = [
        examples
        for name in job.tasks
        for examples in evaluation_sets(source, name, languages=None, limit=None)
    ]
    found = run_loop(job.model, sets, job.options)
    return {
        "begun": found.begun,
        "seconds": found.seconds,
        "other_cpu_seconds": 0.0,
        "peak": peak_resident_bytes(),
        "own": resident_bytes("RssAnon"),
        "shards": [],
        "scores": found.scores,
        "predictions": found.predictions,
        "num_tokens": found.num_tokens,
        "num_padded_tokens": found.num_padded_tokens,
    }


def _farm(job: FarmJob) -> dict[str, Any]:
    from dstilts.bench.farm_data import StoredSets
    from dstilts.evaluation.evaluate import evaluate
    from dstilts.evaluation.executors import open_executor

    source = StoredSets(job.sets)
    requests = [
        EvaluationRequest(str(job.model), (name,), languages=codes)
        for name in job.tasks
        if (codes := job.languages_of(splits_of(source, name)))
    ]
    noted = job.output / "shards"
    noted.mkdir()
    with open_executor(job.workers) as workers:
        assert workers is not None, "not under mpiexec"
        workers.each = [TimedWorker(worker, noted) for worker in workers.each]
        files = evaluate(requests, source, job.output / "runs", job.options, workers)
    shards = [read_json(file) for file in sorted(noted.glob("*.json"))]
    records = [read_json(file) for file in files]
    predicted = (file.parents[2] / "predictions" / file.parent.name / file.name for file in files)
    begun = min(shard["begun"] for shard in shards)
    return {
        "other_cpu_seconds": _cpu_seconds_elsewhere(shards),
        "begun": begun,
        "seconds": max(shard["ended"] for shard in shards) - begun,
        "peak": max(shard["peak"] for shard in shards),
        "own": max(shard["own"] for shard in shards),
        "shards": shards,
        "scores": {file.stem: r["metrics"] for file, r in zip(files, records, strict=True)},
        "predictions": {file.stem: read_json(file)["predictions"] for file in predicted},
    }


def _cpu_seconds_elsewhere(shards: Sequence[Mapping[str, Any]]) -> float:
    """Of workers that are processes, as of each one's last shard: at its end nobody counts it."""
    last: dict[int, float] = {}
    for shard in shards:
        if shard["process"] != os.getpid():
            last[shard["process"]] = max(shard["cpu_seconds"], last.get(shard["process"], 0.0))
    return sum(last.values())


def main(file: Path) -> int:
    """Runs the job in a file and writes what it gave; 2 after a mistake of the user."""
    job = build(FarmJob, read_json(file), file=file)
    os.environ["DSTILTS_CACHE"] = str(job.cache)
    cores = sorted(os.sched_getaffinity(0))
    # A worker takes its share of the cores it sees: so many that the share is `threads`.
    os.sched_setaffinity(0, cores[: job.workers * job.threads])
    import torch

    torch.set_num_threads(job.threads)
    try:
        write_json(job.output / "result.json", run(job))
    except UserError as error:
        print(f"dstilts: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    # What is sent to workers must be of this module by its own name.
    from dstilts.bench import farm_side

    sys.exit(farm_side.main(Path(sys.argv[1])))
