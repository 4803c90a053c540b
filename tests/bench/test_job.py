"""Jobs and examples survive the way to a side's process."""

import dataclasses
from pathlib import Path

import pytest

from dstilts.bench.comparison import Comparison
from dstilts.bench.examples import make_sets
from dstilts.bench.job import RankResult, read_examples, read_job, read_results, write_examples
from dstilts.core.errors import UserError


def test_a_job_reads_back_equal(tmp_path: Path) -> None:
    comparison = Comparison(overrides=("engine.zero_stage=2", "guards.spike=0"))
    job = dataclasses.replace(comparison.job("qqp", "default", tmp_path), side="torch", tokens=77)
    job.write(tmp_path / "job.json")
    assert read_job(tmp_path / "job.json") == job


@pytest.mark.parametrize("task", ["mnli", "squad_v1"])
def test_examples_read_back_equal(tmp_path: Path, task: str) -> None:
    examples, _ = make_sets(task, 5, 0, seed=1)
    write_examples(tmp_path / "examples.json", examples)
    assert read_examples(tmp_path / "examples.json") == examples


def test_results_come_in_the_order_of_the_ranks(tmp_path: Path) -> None:
    results = [
        RankResult(1.5, 2, 3, 4, 5.0, 6, 7.0, curve=[[1, 0.5]], held_out_loss=loss)
        for loss in (0.5, None)
    ]
    for rank, result in enumerate(results):
        result.write(tmp_path, rank)
    assert read_results(tmp_path, 2) == results
    with pytest.raises(UserError, match=r"rank-2\.json: no such file"):
        read_results(tmp_path, 3)
