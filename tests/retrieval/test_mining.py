"""Mining against the plain loops of the official walk: strategies, margins, ties, empty sides."""

import numpy as np
import pytest
import torch

from dstilts.retrieval.margins import MARGINS
from dstilts.retrieval.mining import STRATEGIES, mine
from tests.retrieval import official_walk


def sides(seed: int, *, grid: bool) -> tuple[np.ndarray, np.ndarray]:
    """Two sides that share topics; on a grid many cosines are equal."""
    draws = np.random.default_rng(seed)
    sizes = draws.integers(1, 30, 2)
    if grid:
        # Above 0: a cosine of 0 is a rounding error, whose sign depends on the order of a sum.
        x, y = (draws.integers(1, 4, (size, 3)).astype(float) for size in sizes)
        return x, y
    common = draws.normal(size=(8, 6))
    x, y = (common[draws.integers(0, 8, n)] + 0.4 * draws.normal(size=(n, 6)) for n in sizes)
    return x, y


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("grid", [False, True])
def test_same_pairs_as_the_plain_loops(strategy: str, margin: str, grid: bool) -> None:
    for seed in range(12):
        x, y = sides(seed, grid=grid)
        k = 1 + seed % 5
        found = mine(torch.from_numpy(x), torch.from_numpy(y), k, margin=margin, strategy=strategy)
        expected = official_walk.mine(x, y, k, margin, strategy)
        assert found.sources_P.tolist() == [i for _, i, _ in expected]
        assert found.targets_P.tolist() == [j for _, _, j in expected]
        np.testing.assert_array_equal(found.scores_P, [score for score, _, _ in expected])


def test_each_row_stands_once_and_best_comes_first() -> None:
    x, y = sides(3, grid=False)
    found = mine(torch.from_numpy(x), torch.from_numpy(y))
    assert len(found.sources_P) > 1
    assert len(set(found.sources_P.tolist())) == len(found.sources_P)
    assert len(set(found.targets_P.tolist())) == len(found.targets_P)
    assert (np.diff(found.scores_P) <= 0).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_empty_side_gives_no_pairs(strategy: str) -> None:
    for x, y in ((torch.empty(0, 3), torch.ones(2, 3)), (torch.ones(2, 3), torch.empty(0, 3))):
        assert [len(values) for values in mine(x, y, strategy=strategy)] == [0, 0, 0]


def test_neighbours_at_right_angles_are_worth_nothing() -> None:
    # 0 / 0 is no pair.
    x, y = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    assert mine(x, y, strategy="forward").sources_P.tolist() == []
    assert mine(x, y, strategy="forward", margin="distance").sources_P.tolist() == [0]


def test_unknown_names() -> None:
    one = torch.ones(1, 2)
    with pytest.raises(ValueError, match="unknown strategy 'best'; known: max, intersect"):
        mine(one, one, strategy="best")
    with pytest.raises(ValueError, match="unknown margin 'cosine'; known: ratio"):
        mine(one, one, margin="cosine")
