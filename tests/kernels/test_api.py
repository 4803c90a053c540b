"""The search on every back end against the reference, number for number; bad and odd input."""

import os
from collections.abc import Callable

import numpy as np
import pytest
import torch

from dstilts_kernels.topk import api, choice
from tests.kernels.search_cases import Case, case, differences, sides

# DSTILTS_SEARCH_CASES=10000 runs the long campaign.
NUM_CASES = int(os.environ.get("DSTILTS_SEARCH_CASES", "240"))
GROUPS = 12

SEARCHES = [api.topk, api.mutual_topk]


def backend_names() -> list[str]:
    return [name for name in choice.backends(torch.device("cpu")) if name != "triton"]


def equal(found: object, expected: object) -> bool:
    """Whether all tensors of two results are the same, bit for bit."""
    if isinstance(found, torch.Tensor):
        assert isinstance(expected, torch.Tensor)
        return torch.equal(found, expected)
    assert isinstance(found, tuple)
    assert isinstance(expected, tuple)
    return all(equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("group", range(GROUPS))
def test_no_difference_from_the_reference(group: int) -> None:
    wrong = [line for seed in range(group, NUM_CASES, GROUPS) for line in differences(case(seed))]
    assert not wrong


@pytest.mark.parametrize("approximate", [False, True])
@pytest.mark.parametrize("kind", ["random", "duplicates"])
def test_the_number_of_threads_does_not_matter(kind: str, approximate: bool) -> None:
    x, y = sides(Case(1, kind, 700, 900, 40, 4, "cosine", torch.float32, True))
    before = torch.get_num_threads()
    try:
        for backend in backend_names():
            for precision in choice.backends(x.device)[backend].precisions:
                answers = []
                for threads in (1, 2, 3, 5):
                    torch.set_num_threads(threads)
                    answers.append(
                        api.mutual_topk(
                            x,
                            y,
                            4,
                            metric="cosine",
                            approximate=approximate,
                            precision=precision,
                            backend=backend,
                        )
                    )
                assert all(equal(answers[0], other) for other in answers[1:])
    finally:
        torch.set_num_threads(before)


def test_approximate_scores_are_exact_and_nearly_all_are_found() -> None:
    x, y = sides(Case(2, "random", 300, 400, 64, 4, "cosine", torch.float32, False))
    expected = api.topk(x, y, 4, metric="cosine", backend="reference")
    for precision in choice.backends(x.device)[backend_names()[0]].precisions:
        found = api.topk(x, y, 4, metric="cosine", approximate=True, precision=precision)
        same = found.indices == expected.indices
        assert same.double().mean() > 0.99
        assert torch.equal(found.scores[same], expected.scores[same])


@pytest.mark.parametrize("k", [33, 100])
def test_more_than_the_kernels_hold(k: int) -> None:
    x, y = sides(Case(3, "duplicates", 20, 90, 7, k, "cosine", torch.float32, False))
    wide_x, wide_y = sides(Case(3, "random", 3, 9, 4100, 2, "cosine", torch.float32, False))
    for name in backend_names():
        assert equal(api.topk(x, y, k, backend=name), api.topk(x, y, k, backend="reference"))
        found = api.topk(wide_x, wide_y, 2, backend=name)
        assert equal(found, api.topk(wide_x, wide_y, 2, backend="reference"))


@pytest.mark.parametrize("factor", [1e-30, 1e25])
@pytest.mark.parametrize("metric", ["cosine", "inner_product"])
def test_lengths_beyond_fp32(factor: float, metric: str) -> None:
    """Products overflow or vanish in fp32; inner products then are infinite or 0, and ties."""
    x, y = sides(Case(4, "random", 30, 40, 20, 4, metric, torch.float32, True))
    options = {"metric": metric}
    expected = api.mutual_topk(x * factor, y * factor, 4, backend="reference", **options)
    for name in backend_names():
        for precision in choice.backends(x.device)[name].precisions:
            found = api.mutual_topk(
                x * factor, y * factor, 4, backend=name, precision=precision, **options
            )
            assert equal(found, expected)


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_views_read_only_arrays_and_types() -> None:
    x, y = sides(Case(5, "random", 60, 70, 24, 4, "cosine", torch.float32, False))
    expected = api.topk(x, y, 4, backend="reference")
    fixed = np.ascontiguousarray(y.numpy())
    fixed.flags.writeable = False
    for name in [*backend_names(), "reference"]:
        strided = torch.stack([x, -x], 2).flatten(1)[:, ::2]
        assert equal(api.topk(strided, y.T.contiguous().T, 4, backend=name), expected)
        assert equal(api.topk(x, torch.from_numpy(fixed), 4, backend=name), expected)
        assert equal(api.topk(x.requires_grad_(), y, 4, backend=name), expected)
        x = x.detach()
        # A side in half precision is searched as the numbers that it holds.
        half = api.topk(x, y.bfloat16(), 4, backend=name)
        assert equal(half, api.topk(x, y.bfloat16().float(), 4, backend="reference"))


def test_float64_is_for_the_reference() -> None:
    x = torch.eye(3, dtype=torch.float64)
    assert api.topk(x, x, 1).indices.tolist() == [[0], [1], [2]]
    assert api.topk(x, x.float(), 1).indices.tolist() == [[0], [1], [2]]
    with pytest.raises(ValueError, match="the torch back end takes no float64"):
        api.topk(x, x, 1, backend="torch")
    with pytest.raises(ValueError, match=r"must be of floating-point numbers, not torch\.int64"):
        api.topk(x.long(), x.long(), 1)


@pytest.mark.parametrize("name", [None, "torch", "reference"])
def test_empty_and_tiny(name: str | None) -> None:
    none, some = torch.empty(0, 3), torch.randn(2, 3)
    assert api.topk(none, some, 5, backend=name).indices.shape == (0, 2)
    assert api.topk(some, none, 5, backend=name).indices.shape == (2, 0)
    forward, backward = api.mutual_topk(some, none, 5, metric="cosine", backend=name)
    assert (forward.indices.shape, backward.indices.shape) == ((2, 0), (0, 2))
    assert api.topk(some, some, 5, backend=name).scores.shape == (2, 2)
    # Vectors of no dimensions all score 0.
    nothing = api.topk(torch.empty(2, 0), torch.empty(4, 0), 3, backend=name)
    assert nothing.scores.tolist() == [[0, 0, 0]] * 2
    assert nothing.indices.tolist() == [[0, 1, 2]] * 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
@pytest.mark.parametrize("search", SEARCHES)
def test_bad_vectors(search: Callable[..., object], dtype: torch.dtype) -> None:
    good = torch.ones(4, 3, dtype=dtype)
    for number in (float("nan"), float("inf")):
        bad = good.clone()
        bad[2, 1] = number
        with pytest.raises(
            ValueError, match="row 2 of the queries has a number that is not finite"
        ):
            search(bad, good, 1)
        with pytest.raises(ValueError, match="row 2 of the corpus has a number"):
            search(good, bad, 1)
    bad = good.clone()
    bad[1] = 0
    search(bad, good, 1)
    with pytest.raises(ValueError, match="row 1 of the corpus is zero and has no direction"):
        search(good, bad, 1, metric="cosine")
    with pytest.raises(ValueError, match="row 1 of the queries is zero"):
        search(bad, good[:0], 1, metric="cosine")


@pytest.mark.parametrize("search", SEARCHES)
def test_bad_arguments(search: Callable[..., object]) -> None:
    good = torch.ones(4, 3)
    with pytest.raises(ValueError, match="k must be at least 1, not 0"):
        search(good, good, 0)
    with pytest.raises(ValueError, match="same number of columns"):
        search(good, good[:, :2], 1)
    with pytest.raises(ValueError, match="same number of columns"):
        search(good, good[0], 1)
    with pytest.raises(ValueError, match="unknown metric 'euclid'"):
        search(good, good, 1, metric="euclid")
    with pytest.raises(ValueError, match=r"on cpu and the corpus is on meta"):
        search(good, good.to("meta"), 1)
    with pytest.raises(ValueError, match=r"no search back end 'faiss' .* reference, .*torch"):
        search(good, good, 1, backend="faiss")
    with pytest.raises(ValueError, match="unknown precision 'fp8'"):
        search(good, good, 1, precision="fp8")
    with pytest.raises(ValueError, match="the torch back end has no int8 here; it has fp32"):
        search(good, good, 1, backend="torch", precision="int8")
