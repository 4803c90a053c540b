"""Margins against plain loops."""

import pytest
import torch

from dstilts_kernels.topk import api, native, native_margins
from tests.kernels.search_cases import Case, case, sides

KINDS = ("ratio", "distance", "absolute")


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


def same(found: tuple[torch.Tensor, ...], expected: tuple[torch.Tensor, ...]) -> bool:
    """Whether all numbers are the same, bit for bit, and what is no number is none in both."""
    return all(
        torch.equal(a.isnan(), b.isnan())
        and torch.equal(a.nan_to_num(0.5).view(torch.int64), b.nan_to_num(0.5).view(torch.int64))
        for a, b in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("group", range(4))
def test_native_gives_the_bits_of_the_reference(group: int) -> None:
    compared = 0
    for seed in range(group, 400, 4):
        chosen = case(seed)
        found = api.mutual_topk(*sides(chosen), chosen.k, metric=chosen.metric)  # type: ignore[arg-type]
        for kind in KINDS:
            expected = api.margins(*found, kind, backend="reference")
            assert same(api.margins(*found, kind, backend="native"), expected), (chosen, kind)
            compared += expected[0].numel()
    assert compared > 10_000


@pytest.mark.parametrize("k", [1, 2, 7, 32])
def test_hostile_scores_and_any_number_of_threads(k: int) -> None:
    """Zeros, of either sign, infinities, sums that cancel, and more rows than a piece has."""
    draws = torch.Generator().manual_seed(k)
    values = torch.tensor([0.0, -0.0, 1.0, -1.0, torch.inf, -torch.inf, 1e-45, 3e38, 0.1])
    lists = []
    for own, other in ((9000, 5000), (5000, 9000)):
        chosen = torch.randint(len(values), (own, k), generator=draws)
        chosen[: own // 2] = torch.randint(2, (own // 2, k), generator=draws)  # zeros alone
        indices = torch.randint(other, (own, k), generator=draws)
        # A view that is not contiguous, as of longer lists.
        lists.append(api.TopK(torch.stack([values[chosen]] * 2, 2)[..., 0], indices))
    before = torch.get_num_threads()
    try:
        for kind in KINDS:
            expected = api.margins(*lists, kind, backend="reference")
            for threads in (1, 3):
                torch.set_num_threads(threads)
                assert same(api.margins(*lists, kind, backend="native"), expected)
            if kind == "ratio":  # 0 / 0 is no number, 1 / 0 is infinite
                assert expected[0].isnan().any()
                assert k > 2 or expected[0].isinf().any()
    finally:
        torch.set_num_threads(before)


def test_the_fastest_back_end_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    found = api.mutual_topk(torch.eye(3), torch.eye(3), 2)
    expected = api.margins(*found, backend="reference")
    taken: list[str] = []
    compiled = native_margins.margins
    monkeypatch.setattr(
        native_margins, "margins", lambda *given: (taken.append("native"), compiled(*given))[1]
    )
    assert same(api.margins(*found), expected)
    assert taken == ["native"]
    monkeypatch.setattr(native, "library", lambda: None)
    assert same(api.margins(*found), expected)
    assert taken == ["native"]
    with pytest.raises(ValueError, match="no margin back end 'faiss'; there are native, triton"):
        api.margins(*found, backend="faiss")
    monkeypatch.setattr(native_margins, "library", lambda: None)
    with pytest.raises(ValueError, match="the native margins do not run here on cpu tensors"):
        api.margins(*found, backend="native")


def test_nothing_to_compare_with() -> None:
    found = api.mutual_topk(torch.ones(2, 3), torch.empty(0, 3), 4)
    for backend in ("native", "reference"):
        margins = api.margins(*found, backend=backend)
        assert [each.shape for each in margins] == [(2, 0), (0, 2)]


def test_unknown_kind() -> None:
    found = api.mutual_topk(torch.ones(2, 3), torch.ones(2, 3), 1)
    with pytest.raises(ValueError, match="unknown margin 'cosine'; there are ratio, distance, abs"):
        api.margins(*found, "cosine")  # type: ignore[arg-type]
