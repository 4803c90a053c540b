"""Lists of neighbours that are found in parts, merged exactly."""

import torch

from dstilts.retrieval.lists import empty, joined, merged, moved
from dstilts.retrieval.search import TopK


def lists(scores: list[list[float]], indices: list[list[int]]) -> TopK:
    return TopK(torch.tensor(scores), torch.tensor(indices))


def test_by_score_then_by_the_lowest_index() -> None:
    one = lists([[0.9, 0.5]], [[7, 3]])
    other = lists([[0.9, 0.5, 0.5]], [[2, 1, 9]])
    for pair in ((one, other), (other, one)):
        found = merged(*pair, 4)
        assert found.indices.tolist() == [[2, 7, 1, 3]]
        assert torch.equal(found.scores, torch.tensor([[0.9, 0.9, 0.5, 0.5]]))


def test_fewer_than_k() -> None:
    found = merged(empty(1), lists([[0.5]], [[4]]), 3)
    assert found.indices.tolist() == [[4]]
    assert joined([empty(2), empty(1)]).scores.shape == (3, 0)
    assert joined([]).indices.shape == (0, 0)


def test_moved() -> None:
    assert moved(lists([[0.5]], [[4]]), 10).indices.tolist() == [[14]]
