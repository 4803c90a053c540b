"""Matching in rounds takes what the walk from the best pair down takes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstilts.retrieval import matching
from dstilts.retrieval.matching import greedy_matching
from tests.retrieval.official_walk import greedy

ROWS = st.integers(0, 12)


def walk(pairs: list[tuple[int, int]]) -> list[int]:
    """The numbers of the pairs that the plain walk takes."""
    scored = [(float(len(pairs) - n), i, j) for n, (i, j) in enumerate(pairs)]
    return [scored.index(pair) for pair in greedy(scored)]


def matched(pairs: list[tuple[int, int]]) -> list[int]:
    sources, targets = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return greedy_matching(sources, targets).tolist()


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(ROWS, ROWS), max_size=60))
def test_same_as_the_walk(pairs: list[tuple[int, int]]) -> None:
    assert matched(pairs) == walk(pairs)


@pytest.mark.parametrize("rounds", [0, 1, 3, 32])
def test_a_long_chain_is_finished_by_the_walk(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_ROUNDS", rounds)
    # 0-0, 1-0, 1-1, 2-1, ...: each pair waits for the one before.
    chain = [((n + 1) // 2, n // 2) for n in range(301)]
    assert matched(chain) == walk(chain) == list(range(0, 301, 2))


def test_large_random_pairs() -> None:
    draws = np.random.default_rng(5)
    pairs = draws.integers(0, 3000, (6000, 2)).tolist()
    assert matched([tuple(pair) for pair in pairs]) == walk([tuple(pair) for pair in pairs])
