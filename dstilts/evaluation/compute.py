"""Runs the missing shards of all models, and merges and scores each model as it is complete."""

import time
from collections.abc import Sequence
from pathlib import Path

import torch

from dstilts.core.logs import EventLog, log
from dstilts.evaluation.executors import Workers
from dstilts.evaluation.farm import LostShards, ModelPlan
from dstilts.evaluation.progress import Progress, SetName
from dstilts.evaluation.records import RecordFolder
from dstilts.evaluation.schedule import Outcome, Schedule
from dstilts.evaluation.scoring import Scoring
from dstilts.evaluation.shards import Shard
from dstilts.evaluation.worker import run_shard


def compute(
    plans: Sequence[ModelPlan], workers: Workers, scoring: Scoring, folder: RecordFolder
) -> list[str]:
    """Completes the plans; returns in words what failed, shard by shard.

    Raises:
        UserError: a worker found a mistake.
        RunError: a disk is full, or no worker can work.
    """
    missing = [(plan, plan.missing()) for plan in plans]
    total, num_missing = sum(len(p.shards) for p in plans), sum(len(found) for _, found in missing)
    log(
        f"models to evaluate: {len(plans)}, in {total} shards, of which {total - num_missing} "
        "are there"
    )
    begun = time.monotonic()
    work = [(shard, _sets(plan, shard)) for plan, shards in missing for shard in shards]
    with (
        Schedule(workers, run_shard) as schedule,
        Progress(work, len(workers.each)) as progress,
    ):
        states = [_State(plan, scoring, folder, schedule) for plan in plans]
        # In the order of the models, so that a worker loads each of them once.
        for state, (_, shards) in zip(states, missing, strict=True):
            state.begin(shards)
        by_file = {shard.file: state for state in states for shard in state.plan.shards}
        while any(state.waiting for state in states):
            outcome = schedule.next()
            progress.advance(outcome.shard)
            by_file[outcome.shard.file].take(outcome)
    if work:
        _note_cost([shard for shard, _ in work], len(plans), workers, folder, begun)
    return [line for state in states for line in state.failures]


def _note_cost(
    shards: Sequence[Shard], models: int, workers: Workers, folder: RecordFolder, begun: float
) -> None:
    """Leaves a line of what the evaluation took, for the report's ledger."""
    batches = [
        (len(units), length)
        for shard in shards
        for units, length in zip(shard.batches, shard.lengths, strict=True)
    ]
    log_file = EventLog(folder.evaluations)
    log_file.write(
        "evaluation",
        seconds=round(time.monotonic() - begun, 3),
        workers=len(workers.each),
        threads=workers.threads,
        device="cuda" if torch.cuda.is_available() else "cpu",
        models=models,
        rows=sum(rows for rows, _ in batches),
        tokens=sum(rows * length for rows, length in batches),  # with padding
    )
    log_file.close()


def _sets(plan: ModelPlan, shard: Shard) -> list[SetName]:
    """What the shard has rows of."""
    return [
        SetName(item.model.key, item.examples.task, item.examples.language)
        for item in plan.items_of(shard)
    ]


class _State:
    """How far a model is."""

    def __init__(
        self, plan: ModelPlan, scoring: Scoring, folder: RecordFolder, schedule: Schedule
    ) -> None:
        self.plan = plan
        self.waiting: set[Path] = set()
        self.failures: list[str] = []
        self._failed: list[Shard] = []
        self._scoring = scoring
        self._folder = folder
        self._schedule = schedule

    def begin(self, shards: Sequence[Shard]) -> None:
        """Hands out what is missing."""
        self.waiting |= {shard.file for shard in shards}
        self._schedule.add(shards)
        if not shards:
            self._finish()

    def take(self, outcome: Outcome) -> None:
        """Notes a shard that is done or given up; after the last one the model is scored."""
        self.waiting.discard(outcome.shard.file)
        if outcome.problem is not None:
            self._failed.append(outcome.shard)
            self.failures.append(self._words(outcome))
        if not self.waiting:
            self._finish()

    def _finish(self) -> None:
        plan = self.plan.without(self._failed) if self._failed else self.plan
        if plan is None:
            return
        try:
            self._scoring.finish(plan)
        except LostShards as error:
            if self._is_done_elsewhere(plan):
                return
            for shard, reason in error.reasons:
                self.waiting.add(shard.file)
                self._schedule.again(shard, reason)

    def _is_done_elsewhere(self, plan: ModelPlan) -> bool:
        """Whether another evaluation has written the predictions and removed the shards."""
        if any(self._folder.stored_predictions(item) is None for item in plan.items):
            return False
        self._scoring.score(plan.items)
        plan.clean()
        return True

    def _words(self, outcome: Outcome) -> str:
        items = self.plan.items_of(outcome.shard)
        tasks = dict.fromkeys(item.examples.task for item in items)
        languages = dict.fromkeys(item.examples.language for item in items)
        return (
            f"{self.plan.items[0].model.name}: shard {outcome.shard.file.stem} "
            f"({', '.join(tasks)} in {', '.join(languages)}) failed three times: {outcome.problem}"
        )
