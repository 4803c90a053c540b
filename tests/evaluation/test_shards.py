"""One stream of units, cut into micro-batches and shards by the plan alone."""

import numpy as np
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from dstilts.evaluation.shards import cut_into_shards, num_shards, runs, units_of
from dstilts.sampling.batches import micro_batches


def test_a_row_is_one_unit() -> None:
    units, lengths = units_of(3, "span", Dataset.from_dict({"length": [5, 9]}))
    assert units.tolist() == [[3, 0, 0], [3, 1, 0]]
    assert lengths.tolist() == [5, 9]


def test_each_choice_is_one_unit() -> None:
    table = Dataset.from_dict({"choice_input_ids": [[[1], [1, 2]], [[1, 2, 3]]], "length": [3, 3]})
    units, lengths = units_of(0, "choice", table)
    assert units.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert lengths.tolist() == [1, 2, 3]


@given(st.lists(st.integers(1, 60), max_size=50), st.integers(1, 100))
def test_micro_batches_hold_every_unit_once_within_the_budget(
    lengths: list[int], tokens: int
) -> None:
    batches = micro_batches(np.array(lengths, dtype=np.int64), tokens)
    stream = [int(index) for batch in batches for index in batch]
    assert sorted(stream) == list(range(len(lengths)))
    assert [lengths[i] for i in stream] == sorted(lengths, reverse=True)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch[0]] <= tokens


@given(st.lists(st.floats(1e-4, 10), min_size=1, max_size=200), st.integers(1, 50))
def test_shards_are_runs_of_about_equal_cost(costs: list[float], number: int) -> None:
    cut = runs(cut_into_shards(np.array(costs), number))
    assert [cost for part in cut for cost in costs[part]] == costs
    assert all(costs[part] for part in cut)
    assert len(cut) <= number
    for part in cut:
        # A shard holds the middles of its micro-batches: over by half of one at either end.
        assert sum(costs[part]) <= sum(costs) / number + max(costs) + 1e-9


def test_short_jobs_have_shards_for_all_workers_and_long_ones_short_shards() -> None:
    assert runs(cut_into_shards(np.empty(0), 1)) == []
    assert [num_shards(seconds) for seconds in (0.01, 1, 20, 100, 4000)] == [1, 4, 40, 40, 800]
