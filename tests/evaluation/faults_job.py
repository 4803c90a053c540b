"""A small evaluation that takes its time: `... faults_job MODEL OUTPUT NOTES WORKERS`.

Each shard waits a little before it is run, and notes who runs it below NOTES.
"""

import os
import sys
import time
from pathlib import Path

from dstilts.core.errors import RunError
from dstilts.evaluation import compute, executors, schedule, shards
from dstilts.evaluation.evaluate import evaluate
from dstilts.evaluation.executors import open_executor
from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest
from dstilts.evaluation.shards import Shard
from dstilts.evaluation.worker import run_shard
from tests.evaluation.tiny_farm import TASKS, MemorySource

SHARD_SECONDS = 0.15
PATIENCE = 4.0
START_PATIENCE = 60.0
NOTES = "DSTILTS_TEST_NOTES"


def slow_shard(shard: Shard) -> int:
    """Runs a shard, later."""
    with (Path(os.environ[NOTES]) / "ran").open("a") as stream:
        stream.write(f"{os.getpid()} {shard.file.stem}\n")
    time.sleep(SHARD_SECONDS)
    return run_shard(shard)


def main(model: str, output: Path, workers: int) -> int:
    """Evaluates all tasks of the source in memory; returns the exit code."""
    compute.run_shard = slow_shard  # type: ignore[assignment]
    schedule.PATIENCE, schedule.START_PATIENCE = PATIENCE, START_PATIENCE
    executors._GOODBYE_SECONDS = PATIENCE
    shards._MANY, shards._LEAST_SECONDS = 1000, 1e-6  # a micro-batch is a shard
    with open_executor(workers) as executor:
        options = EvaluationOptions(tokens=400)
        try:
            evaluate([EvaluationRequest(model, TASKS)], MemorySource(), output, options, executor)
        except RunError as error:
            print(f"dstilts failed: {error}", file=sys.stderr, flush=True)
            return error.exit_code
    return 0


if __name__ == "__main__":
    os.environ[NOTES] = sys.argv[3]
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[4])))
