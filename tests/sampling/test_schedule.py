"""Task schedules: shares as asked for, local steps counted, longer ones begin with shorter ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstilts.core.random_numbers import stream
from dstilts.sampling.schedule import TaskSchedule

WEIGHTS = st.lists(st.floats(0.01, 1), min_size=1, max_size=5).map(lambda w: np.array(w) / sum(w))


@given(seed=st.integers(0), weights=WEIGHTS, num_steps=st.integers(1, 60))
def test_local_steps_count_the_steps_of_the_same_task(
    seed: int, weights: np.ndarray, num_steps: int
) -> None:
    schedule = TaskSchedule(seed, weights, num_steps)
    tasks = [schedule.task_at(step) for step in range(num_steps)]
    assert set(tasks) <= set(range(len(weights)))
    for step in range(num_steps):
        assert schedule.local_step(step) == tasks[:step].count(tasks[step])


@given(seed=st.integers(0), weights=WEIGHTS, num_steps=st.integers(1, 60))
def test_a_longer_schedule_begins_with_a_shorter_one(
    seed: int, weights: np.ndarray, num_steps: int
) -> None:
    shorter, longer = (TaskSchedule(seed, weights, n) for n in (num_steps, 2 * num_steps))
    for step in range(num_steps):
        assert shorter.task_at(step) == longer.task_at(step)
        assert shorter.local_step(step) == longer.local_step(step)


@given(
    seed=st.integers(0),
    weights=WEIGHTS,
    num_steps=st.integers(0, 60),
    steps=st.lists(st.integers(0, 5000), min_size=1, max_size=5),
)
def test_any_step_may_be_asked_for_in_any_order(
    seed: int, weights: np.ndarray, num_steps: int, steps: list[int]
) -> None:
    whole = TaskSchedule(seed, weights, 5001)
    grown = TaskSchedule(seed, weights, num_steps)
    for step in steps:
        assert grown.task_at(step) == whole.task_at(step)
        assert grown.local_step(step) == whole.local_step(step)
    # Drawn by hand, at once.
    edges, draws = np.cumsum(weights), stream(seed, "schedule").random(steps[0] + 1)
    expected = min(int(np.searchsorted(edges, draws[-1], side="right")), len(weights) - 1)
    assert grown.task_at(steps[0]) == expected


def test_no_step_before_the_first() -> None:
    with pytest.raises(IndexError):
        TaskSchedule(1, np.array([1.0]), 5).task_at(-1)


def test_shares() -> None:
    weights = np.array([0.1, 0.3, 0.6])
    schedule = TaskSchedule(1, weights, 5000)
    counts = np.bincount([schedule.task_at(step) for step in range(5000)], minlength=3)
    np.testing.assert_allclose(counts / 5000, weights, atol=0.02)


def test_seeds_differ() -> None:
    weights = np.array([0.5, 0.5])
    one, other = (TaskSchedule(seed, weights, 50) for seed in (1, 2))
    assert [one.task_at(s) for s in range(50)] != [other.task_at(s) for s in range(50)]
