"""The phase of dstilts: as many rows a step as the peers have, and only its own keys to set."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dstilts.bench.comparison import Comparison
from dstilts.bench.ours import budget, phase_of
from dstilts.core.errors import UserError
from dstilts.engine.plan import TaskRows, TrainingPlan


def test_the_phase_is_that_of_the_job(tmp_path: Path) -> None:
    comparison = Comparison(overrides=("engine.zero_stage=3", "batch.micro_batches=8"))
    job = dataclasses.replace(comparison.job("qqp", "default", tmp_path), tokens=300)
    phase = phase_of(job)
    assert (phase.engine.zero_stage, phase.batch.micro_batches, phase.batch.tokens) == (3, 8, 300)
    assert phase.schedule.steps == job.num_steps
    assert phase.schedule.learning_rate == job.learning_rate
    assert [use.task for use in phase.tasks] == ["qqp"]


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("seed=2", "'seed' cannot be set here: it is the same for all sides"),
        ("engine.precision=bf16", "'engine.precision' cannot be set here"),
        ("batch.max_length=64", "'batch.max_length' cannot be set here"),
        ("engine.zero_stge=2", "did you mean 'engine.zero_stage'"),
        ("engine.fuse=x", "engine.fuse must be an integer"),
    ],
)
def test_what_cannot_be_set(tmp_path: Path, override: str, problem: str) -> None:
    job = Comparison(overrides=(override,)).job("qqp", "default", tmp_path)
    with pytest.raises(UserError, match=problem):
        phase_of(job)


def test_a_step_has_as_many_rows_as_the_peers_steps(tmp_path: Path, rows: TaskRows) -> None:
    lengths = np.random.default_rng(1).integers(10, 120, 2000)
    many = dataclasses.replace(
        rows, rows=np.arange(2000), lengths=lengths, counts=np.ones(2000, dtype=np.int64)
    )
    phase = phase_of(Comparison().job("mnli", "default", tmp_path))
    tokens = budget(phase, many, batch_size=32)
    batch = dataclasses.replace(phase.batch, tokens=tokens)
    plan = TrainingPlan(dataclasses.replace(phase, batch=batch), [many])
    sizes = [sum(len(part.rows) for part in plan.at(step).micro_batches) for step in range(62)]
    assert np.mean(sizes) == pytest.approx(32, rel=0.02)
