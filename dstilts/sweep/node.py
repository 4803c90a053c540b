"""Runs one node: a phase on all ranks of a job, or an evaluation by its first one."""

import shutil
import socket
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from dstilts.core.files import read_json
from dstilts.core.process_group import ProcessGroup
from dstilts.sweep.graph import EvaluationNode, PhaseNode
from dstilts.sweep.grid import Grid
from dstilts.sweep.state import RunsState

if TYPE_CHECKING:
    from dstilts.evaluation.executors import Workers
    from dstilts.evaluation.models import ModelShelf


def run_phase(node: PhaseNode, state: RunsState, group: ProcessGroup) -> None:
    """Trains a phase and writes its outcome (a collective).

    Raises:
        UserError, RunError, Preempted: see `train_phase`.
    """
    from dstilts.engine.train import train_phase

    begin = time.monotonic()
    train_phase(node.phase, group)
    if group.is_main:
        before = state.outcome(node)
        state.write(
            replace(
                before,
                done=True,
                collected=False,
                finished=time.time(),
                seconds=before.seconds + _since(begin),
                devices=group.world_size,
                device=_device(),
                host=socket.gethostname(),
            )
        )


def run_evaluation(
    node: EvaluationNode,
    grid: Grid,
    state: RunsState,
    workers: "Workers | None",
    shelf: "ModelShelf | None" = None,
) -> None:
    """Evaluates a model on all that the grid asks of it, and writes the outcome.

    Args:
        workers: None on a rank that has served another one.

    Raises:
        UserError, IncompleteError, RunError: see `evaluate`.
    """
    from dstilts.evaluation.evaluate import evaluate
    from dstilts.evaluation.plan import EvaluationOptions, EvaluationRequest, usual_tokens
    from dstilts.tasks.open_source import open_source

    if workers is None:
        return
    settings = grid.evaluation
    options = EvaluationOptions(
        precision=settings.precision,
        retrieval_layer=settings.retrieval_layer,
        max_length=grid.batch.max_length,
        max_length_span=grid.batch.max_length_span,
        tokens=settings.tokens or usual_tokens(),
    )
    requests = [
        EvaluationRequest(node.model, (asked.task,), asked.languages, asked.limit)
        for asked in node.asked
    ]
    source = open_source(grid.data.source, grid.data.folder)
    begin = time.monotonic()
    files = evaluate(requests, source, state.runs, options, workers, shelf)
    before = state.outcome(node)
    state.write(
        replace(
            before,
            done=True,
            finished=time.time(),
            seconds=before.seconds + _since(begin),
            devices=len(workers.each),
            device=_device(),
            host=socket.gethostname(),
            records=tuple(sorted(file.relative_to(state.runs).as_posix() for file in files)),
            scores=_scores(files),
        )
    )


def remove_folder(model: Path) -> None:
    """Removes a published model, the manifest first: what an interruption leaves is no model."""
    (model / "manifest.json").unlink(missing_ok=True)
    shutil.rmtree(model, ignore_errors=True)


def _scores(records: list[Path]) -> dict[str, float]:
    """By task the mean over languages of the main metric."""
    by_task: dict[str, list[float]] = {}
    for file in records:
        record = read_json(file)
        score = record["metrics"].get(record["main_metric"])
        if score is not None:
            by_task.setdefault(record["task"], []).append(score)
    return {task: fmean(values) for task, values in sorted(by_task.items())}


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _since(begin: float) -> float:
    return round(time.monotonic() - begin, 3)
