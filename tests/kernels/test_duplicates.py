"""Equal vectors: found, grouped by their first one, and expanded in the order of results."""

import pytest
import torch

from dstilts_kernels.topk import duplicates
from dstilts_kernels.topk.duplicates import distinct, expanded
from dstilts_kernels.topk.keys import results_of


def test_groups() -> None:
    rows = torch.tensor([[1.0, 2], [3, 4], [1, 2], [0, -1], [3, 4], [1, 2]])
    found = distinct(rows)
    assert found is not None
    assert found.first_M.tolist() == [0, 1, 3]
    assert found.group_N.tolist() == [0, 1, 0, 2, 1, 0]
    assert found.members_N.tolist() == [0, 2, 5, 1, 4, 3]
    assert found.start_M.tolist() == [0, 3, 5]
    assert found.size_M.tolist() == [3, 2, 1]
    assert distinct(rows[[0, 1, 3]]) is None
    assert distinct(rows[:1]) is None


def test_equal_marks_are_not_equal_vectors() -> None:
    # The weights of two components are 1 and 8, so these all have the mark 8.
    a, b = [8.0, 0.0], [0.0, 1.0]
    assert distinct(torch.tensor([a, b])) is None
    found = distinct(torch.tensor([b, a, a, b]))
    assert found is not None
    # The later b is not noticed, which costs time only.
    assert found.first_M.tolist() == [0, 1, 3]
    assert found.group_N.tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize("at_a_time", [1, 2**22])
def test_expansion(monkeypatch: pytest.MonkeyPatch, at_a_time: int) -> None:
    monkeypatch.setattr(duplicates, "_EXPANDED", at_a_time)
    rows = torch.tensor([[2.0], [5], [2], [1], [5], [2]])
    found = distinct(rows)
    assert found is not None
    # Distinct vectors 0, 1, 2 are the rows 0, 1 and 3.
    scores, groups = torch.tensor([[5.0, 2, 1]]), torch.tensor([[1, 0, 2]])
    best, indices = results_of(expanded(scores, groups, found, 4))
    assert best.tolist() == [[5, 5, 2, 2]]
    assert indices.tolist() == [[1, 4, 0, 2]]
    # Of different vectors with equal scores the lower index comes first, whatever the group.
    best, indices = results_of(expanded(torch.zeros(2, 3), groups.repeat(2, 1), found, 4))
    assert indices.tolist() == [[0, 1, 2, 3]] * 2
