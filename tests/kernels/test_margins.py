"""Margins against plain loops."""

import pytest
import torch

from dstilts_kernels.topk import api
from tests.kernels.search_cases import Case, sides


@pytest.mark.parametrize("kind", ["ratio", "distance", "absolute"])
def test_against_loops(kind: str) -> None:
    x, y = sides(Case(8, "random", 9, 7, 5, 3, "cosine", torch.float32, True))
    found = api.mutual_topk(x, y, 3, metric="cosine")
    given = api.margins(*found, kind)  # type: ignore[arg-type]
    for own, other, margins in ((*found, given[0]), (*reversed(found), given[1])):
        assert margins.dtype == torch.float64
        for row in range(len(own.scores)):
            for place in range(3):
                score = own.scores[row, place].item()
                neighbour = own.indices[row, place]
                mean = (sum(own.scores[row].tolist()) + sum(other.scores[neighbour].tolist())) / 6
                expected = {"ratio": score / mean, "distance": score - mean, "absolute": score}
                assert margins[row, place].item() == pytest.approx(expected[kind], abs=1e-12)


def test_nothing_to_compare_with() -> None:
    found = api.mutual_topk(torch.ones(2, 3), torch.empty(0, 3), 4)
    assert [margins.shape for margins in api.margins(*found)] == [(2, 0), (0, 2)]


def test_unknown_kind() -> None:
    found = api.mutual_topk(torch.ones(2, 3), torch.ones(2, 3), 1)
    with pytest.raises(ValueError, match="unknown margin 'cosine'; there are ratio, distance, abs"):
        api.margins(*found, "cosine")  # type: ignore[arg-type]
