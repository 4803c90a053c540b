"""Batch plans: each row once an epoch, the budget kept, a pure function of (seed, name, step)."""

import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstilts.sampling.batches import BatchPlan, cut_by_budget
from tests.sampling.reference import ReferencePlan, cut_row_by_row

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=80).map(np.array)
PLANS = {"tokens": st.integers(1, 200), "micro_batches": st.integers(1, 5), "seed": st.integers(0)}


def plan(lengths: np.ndarray, seed: int, tokens: int, micro_batches: int) -> BatchPlan:
    return BatchPlan(lengths, seed=seed, name="rows", tokens=tokens, micro_batches=micro_batches)


@given(lengths=LENGTHS, **PLANS)
def test_each_row_once_an_epoch(
    lengths: np.ndarray, seed: int, tokens: int, micro_batches: int
) -> None:
    batches = plan(lengths, seed, tokens, micro_batches)
    rows: list[int] = []
    step = 0
    while len(rows) < 3 * len(lengths):
        rows += [row for batch in batches.batch_at(step) for row in batch.tolist()]
        step += 1
    for epoch in range(3):
        seen = rows[epoch * len(lengths) : (epoch + 1) * len(lengths)]
        assert sorted(seen) == list(range(len(lengths)))


@given(lengths=LENGTHS, **PLANS)
def test_the_budget_is_kept(
    lengths: np.ndarray, seed: int, tokens: int, micro_batches: int
) -> None:
    batches = plan(lengths, seed, tokens, micro_batches)
    for step in range(4):
        chosen = batches.batch_at(step)
        assert len(chosen) == micro_batches
        for batch in chosen:
            padded = lengths[batch].max() * len(batch)
            assert len(batch) == 1 or padded <= tokens


@settings(max_examples=50)
@given(lengths=LENGTHS, steps=st.lists(st.integers(0, 30), min_size=1, max_size=6), **PLANS)
def test_a_step_does_not_depend_on_the_steps_before(
    lengths: np.ndarray, steps: list[int], seed: int, tokens: int, micro_batches: int
) -> None:
    used = plan(lengths, seed, tokens, micro_batches)
    for step in steps:
        fresh = plan(lengths, seed, tokens, micro_batches)
        for one, other in zip(used.batch_at(step), fresh.batch_at(step), strict=True):
            np.testing.assert_array_equal(one, other)


@given(lengths=LENGTHS, **PLANS)
def test_micro_batches_do_not_depend_on_how_many_make_a_step(
    lengths: np.ndarray, seed: int, tokens: int, micro_batches: int
) -> None:
    single, grouped = plan(lengths, seed, tokens, 1), plan(lengths, seed, tokens, micro_batches)
    for step in range(3):
        for number, batch in enumerate(grouped.batch_at(step)):
            (alone,) = single.batch_at(step * micro_batches + number)
            np.testing.assert_array_equal(batch, alone)


def test_seeds_names_and_epochs_differ() -> None:
    lengths = np.full(40, 7)

    def epoch(seed: int, name: str, number: int) -> list[list[int]]:
        batches = BatchPlan(lengths, seed=seed, name=name, tokens=70, micro_batches=1)
        return [batches.batch_at(4 * number + step)[0].tolist() for step in range(4)]

    plans = [epoch(1, "a", 0), epoch(2, "a", 0), epoch(1, "b", 0), epoch(1, "a", 1)]
    assert all(one != other for i, one in enumerate(plans) for other in plans[:i])
    assert epoch(1, "a", 0) == plans[0]


def test_rows_of_like_length_stand_together() -> None:
    lengths = np.tile(np.arange(1, 101), 20)
    batches = plan(lengths, 1, 1000, 1)
    steps = range(int(batches.steps_per_epoch))
    chosen = [batches.batch_at(step)[0] for step in steps]
    padded = sum(int(lengths[batch].max()) * len(batch) for batch in chosen)
    assert sum(int(lengths[batch].sum()) for batch in chosen) / padded > 0.97
    # Neighbouring micro-batches are not of neighbouring lengths.
    longest = np.array([lengths[batch].max() for batch in chosen])
    assert abs(np.corrcoef(longest[1:], longest[:-1])[0, 1]) < 0.5


@settings(max_examples=150)
@given(
    lengths=st.one_of(
        LENGTHS,
        st.lists(st.integers(1, 3), min_size=100, max_size=400).map(np.array),
        st.lists(st.sampled_from([0, 1, 7, 70_000]), min_size=1, max_size=90).map(np.array),
    ),
    dtype=st.sampled_from([np.int32, np.int64]),
    steps=st.lists(st.integers(0, 90), min_size=1, max_size=4),
    **PLANS,
)
def test_the_same_batches_as_cut_row_by_row(
    lengths: np.ndarray, dtype: type, steps: list[int], seed: int, tokens: int, micro_batches: int
) -> None:
    lengths = lengths.astype(dtype)
    batches = plan(lengths, seed, tokens, micro_batches)
    reference = ReferencePlan(lengths, seed, "rows", tokens, micro_batches)
    for step in steps:
        found, expected = batches.batch_at(step), reference.batch_at(step)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
    assert batches.steps_per_epoch == reference.steps_per_epoch


def test_threads_share_a_plan() -> None:
    lengths = np.arange(1, 400)
    # Epochs in turn, and each thread at another one: what is kept changes all the time.
    steps = [epoch * 90 + step for step in range(30) for epoch in range(7)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for seed in range(3):
            shared, alone = plan(lengths, seed, 500, 2), plan(lengths, seed, 500, 2)
            with ThreadPoolExecutor(4) as pool:
                found = list(pool.map(shared.batch_at, steps))
            for step, batches in zip(steps, found, strict=True):
                for one, other in zip(batches, alone.batch_at(step), strict=True):
                    np.testing.assert_array_equal(one, other)
    finally:
        sys.setswitchinterval(interval)


def test_a_batch_does_not_keep_its_epoch() -> None:
    batch = plan(np.full(1000, 5), 1, 50, 1).batch_at(0)[0]
    assert batch.base is None


def test_a_large_set_costs_a_few_bytes_a_row() -> None:
    lengths = np.random.default_rng(1).integers(8, 250, 200_000, dtype=np.int32)
    tracemalloc.start()
    try:
        batches = plan(lengths, 1, 2048, 4)
        batches.batch_at(0)
        batches.batch_at(int(3 * batches.steps_per_epoch))
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 14 * len(lengths)
    assert peak < 40 * len(lengths)


def test_cut_by_budget() -> None:
    lengths = np.array([60, 2, 50, 3, 4, 4, 4])
    cut = cut_by_budget(np.array([1, 3, 4, 5, 6, 2, 0]), lengths, 9)
    assert [part.tolist() for part in cut] == [[1, 3], [4, 5], [6], [2], [0]]


@given(lengths=LENGTHS, tokens=st.integers(1, 200))
def test_the_same_runs_as_cut_row_by_row(lengths: np.ndarray, tokens: int) -> None:
    rows = np.argsort(lengths, kind="stable")
    found, expected = (cut(rows, lengths, tokens) for cut in (cut_by_budget, cut_row_by_row))
    assert list(map(list, found)) == list(map(list, expected))


def test_no_rows() -> None:
    with pytest.raises(ValueError, match="no rows"):
        plan(np.array([]), 1, 10, 1)
