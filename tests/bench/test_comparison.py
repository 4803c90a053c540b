"""The runs of a comparison: their order, what they share, and what cannot be compared."""

from pathlib import Path
from typing import Any

import pytest

from dstilts.bench.comparison import SIDES, Comparison
from dstilts.core.errors import UserError


def test_sides_take_turns(tmp_path: Path) -> None:
    comparison = Comparison(tasks=("qqp",), rounds=2)
    jobs = list(comparison.jobs("default", {"qqp": {1: 99}}, tmp_path))
    assert [job.side for job in jobs] == [*SIDES, *SIDES]
    assert len({job.output for job in jobs}) == len(jobs)
    assert {job.tokens for job in jobs} == {99}


def test_all_sides_have_the_same_work(tmp_path: Path) -> None:
    jobs = Comparison(threads=2, ranks=(1, 2)).jobs(
        "default", {name: {1: 9, 2: 9} for name in ("mnli", "qqp")}, tmp_path
    )
    own = ("side", "ranks", "output")
    shared = {
        tuple(str(value) for name, value in vars(job).items() if name not in own) for job in jobs
    }
    assert len(shared) == 2  # the tasks


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"tasks": ("mnlj",)}, "did you mean 'mnli'"),
        ({"sides": ("trainer-group",)}, "did you mean 'trainer-grouped'"),
        ({"num_examples": 33}, "no multiple of --batch-size 32"),
        ({"num_examples": 32}, "two steps are the least"),
        ({"ranks": (3,), "threads": 4}, "3 ranks cannot share a batch of 32"),
        ({"ranks": (4,), "threads": 2}, "4 ranks cannot share a batch of 32 and 2 threads"),
    ],
)
def test_mistakes(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        Comparison(**options)
