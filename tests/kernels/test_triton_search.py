"""The Triton first pass: lists equal to the reference's where no type rounds, and bounds elsewhere.

Runs in Triton's interpreter on the CPU, or on the GPU where there is one.
"""

from typing import Any

import pytest
import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from dstilts_kernels.topk import reference, triton_kernels, triton_search, triton_sides
from dstilts_kernels.topk.backend import Candidates
from dstilts_kernels.topk.triton_passes import TritonBackend, search_bytes
from dstilts_kernels.topk.triton_search import Plan
from tests.kernels.triton_cases import DEVICE, normal_numbers, plan, whole_numbers


def search(
    x: Tensor, y: Tensor, keep: int, how: Plan | None = None, precision: str = "fp16", **others: Any
) -> tuple[Candidates, Candidates | None]:
    return TritonBackend(how or plan()).candidates(x, y, keep, precision, True, **others)


def assert_same(found: Candidates | None, expected: reference.TopK) -> None:
    assert found is not None
    torch.testing.assert_close(found.indices, expected.indices, rtol=0, atol=0)
    torch.testing.assert_close(found.scores, expected.scores, rtol=0, atol=0)


def assert_both(x: Tensor, y: Tensor, keep: int, how: Plan | None = None) -> None:
    forward, backward = search(x, y, keep, how)
    expected = reference.mutual_topk(x, y, keep)
    assert_same(forward, expected[0])
    assert_same(backward, expected[1])


@pytest.mark.parametrize(
    ("num_queries", "num_corpus", "width", "keep"),
    [
        (1, 1, 1, 3),
        (1, 130, 5, 4),
        (131, 1, 65, 2),
        (63, 200, 3, 36),
        (140, 260, 70, 5),
        (261, 139, 1, 8),
        (260, 193, 130, 36),
    ],
)
def test_both_directions(num_queries: int, num_corpus: int, width: int, keep: int) -> None:
    x, y = whole_numbers("x", num_queries, width), whole_numbers("y", num_corpus, width)
    assert_both(x, y, keep)


def test_default_plan() -> None:
    x, y = whole_numbers("x", 70, 20), whole_numbers("y", 150, 20)
    forward, backward = TritonBackend().candidates(x, y, 6, "fp16", True)
    expected = reference.mutual_topk(x, y, 6)
    assert_same(forward, expected[0])
    assert_same(backward, expected[1])


@pytest.mark.parametrize("precision", TritonBackend.precisions)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_types_and_one_direction(precision: str, dtype: torch.dtype) -> None:
    x, y = whole_numbers("x", 70, 10).to(dtype), whole_numbers("y", 130, 10).to(dtype)
    for left, right in ((x, y), (y, x)):
        forward, backward = TritonBackend(plan()).candidates(left, right, 4, precision, False)
        assert_same(forward, reference.topk(left, right, 4))
        assert backward is None


@pytest.mark.parametrize("most", [0, 1], ids=["all equal", "few scores"])
def test_ties_go_to_the_lowest_index(most: int) -> None:
    # One dimension: nearly all of a row's scores equal its threshold, and the mixed order brings
    # lower indices after higher ones.
    x, y = whole_numbers("x", 150, 1, most=most), whole_numbers("y", 270, 1, most=most)
    assert_both(x, y, 7)


def test_sorted_sides_fit_the_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = whole_numbers("x", 128, 9), whole_numbers("y", 384, 9)
    x = x[(x @ y[0]).argsort()]
    y = y[(y @ x[-1]).argsort()]
    lost = _count_lost(monkeypatch)
    assert_both(x, y, 5)
    assert lost == []


@pytest.mark.parametrize("last_peak", [128, 260], ids=["early", "late"])
def test_rows_that_overflow_are_done_anew(last_peak: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Unmixed and ascending: far more pass each threshold than there is room for. If they do so
    # early only, nothing afterwards tells that a list is not complete.
    monkeypatch.setattr(triton_sides, "mixed_order", lambda count, device: torch.arange(count))
    steps = torch.arange(260.0, device=DEVICE)[:, None]
    x, y = steps[:130] % 7 + 1, torch.where(steps < last_peak, steps, -steps)
    lost = _count_lost(monkeypatch)
    assert_both(x, y, 4, plan(room=32))
    assert sum(lost) > 50


def test_rows_whose_sample_was_rounded_up_are_done_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    sampled = triton_search._sampled

    def rounded_up(*arguments: Any) -> triton_sides.Lists:
        lists = sampled(*arguments)
        real = (lists.keys != triton_kernels.EMPTY_KEY) & (lists.keys != triton_kernels.CLOSED_KEY)
        assert real.any()
        lists.keys[real] += 1 << 34  # two steps of the score's last bit
        lists.limits[real] = triton_sides.scores_of(lists.keys[real], torch.ones(()).double())
        return lists

    monkeypatch.setattr(triton_search, "_sampled", rounded_up)
    lost = _count_lost(monkeypatch)
    assert_both(whole_numbers("x", 130, 9), whole_numbers("y", 260, 9), 5)
    assert sum(lost) > 0


def _count_lost(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    lost = []
    dense = triton_search.dense_keys

    def counted(x: triton_sides.Side, *others: Any) -> Any:
        lost.append(x.count)
        return dense(x, *others)

    monkeypatch.setattr(triton_search, "dense_keys", counted)
    return lost


@pytest.mark.parametrize(
    "how",
    [
        plan(64, 128, group=1),
        plan(32, 64, group=5),
        plan(128, 64, room=64),
        plan(dense_below=10**6, block=64),
        plan(dense_below=10**6),
    ],
    ids=["wide", "narrow", "tall", "dense", "dense, few blocks"],
)
def test_no_plan_changes_the_answer(how: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_search, "_MOST_PROGRAMS", 3)
    x, y = whole_numbers("x", 150, 4, most=1), whole_numbers("y", 230, 4, most=1)
    assert_both(x, y, 6, how)


@pytest.mark.parametrize("precision", TritonBackend.precisions)
@pytest.mark.parametrize("cosine", [False, True])
def test_error_bounds(precision: str, cosine: bool) -> None:
    # Lengths of many sizes, of which fp16 does not hold the smallest.
    sizes = torch.logspace(-6, 6, 90, device=DEVICE)[:, None]
    x, y = normal_numbers("x", 90, 100) * sizes, normal_numbers("y", 140, 100)
    scales = [1 / v.double().norm(dim=1) if cosine else None for v in (x, y)]
    found = search(x, y, 5, None, precision, scales_x=scales[0], scales_y=scales[1])
    exact = x.double() @ y.double().T
    if scales[0] is not None and scales[1] is not None:
        exact *= scales[0][:, None] * scales[1]
    for candidates, scores in zip(found, (exact, exact.T), strict=True):
        assert candidates is not None
        listed = scores.gather(1, candidates.indices)
        assert ((candidates.scores - listed).abs() <= candidates.error[:, None]).all()
        others = scores.scatter(1, candidates.indices, -torch.inf).amax(dim=1)
        assert (others <= candidates.scores[:, -1] + candidates.error).all()
        assert (candidates.scores.diff(dim=1) <= 0).all()
        if cosine:  # of use: about what the type rounds off, not more
            assert (
                candidates.error < {"fp16": 2**-9.5, "bf16": 2**-6.5, "fp32": 2**-16}[precision]
            ).all()


@triton.jit
def keys_and_scores(scores, keys, back, SIZE: tl.constexpr):
    place = tl.arange(0, SIZE)
    made = triton_kernels.make_key(tl.load(scores + place), place.to(tl.int64))
    tl.store(keys + place, made)
    tl.store(back + place, triton_kernels.score_of(made))


def test_keys_are_in_the_order_of_results() -> None:
    scores = torch.tensor([-1.5, -0.0, 0.0, 1e-45, 3e38, -3e38, 0.0, -1e-45], device=DEVICE)
    keys, back = torch.empty(8, dtype=torch.int64, device=DEVICE), torch.empty_like(scores)
    keys_and_scores[(1,)](scores, keys, back, SIZE=8)
    assert keys.argsort(descending=True).tolist() == [4, 3, 1, 2, 6, 7, 0, 5]
    assert torch.equal(back, scores)
    one = torch.ones((), dtype=torch.float64, device=DEVICE)
    assert torch.equal(triton_sides.scores_of(keys, one), scores)
    assert torch.equal(triton_sides.indices_of(keys), torch.arange(8, device=DEVICE))
    assert keys.min() > triton_kernels.EMPTY_KEY
    assert keys.max() < triton_kernels.CLOSED_KEY


class _Largest(TorchDispatchMode):
    """The size of the largest tensor that was made inside."""

    bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if isinstance(tensor, Tensor):
                self.bytes = max(self.bytes, tensor.untyped_storage().nbytes())
        return made


def test_memory_is_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    how, shapes, keep = plan(), ((190, 40), (380, 40)), 5
    held: list[Any] = []
    for name in ("make_lists", "prepare"):
        made = getattr(triton_sides, name)

        def kept(*args: Any, made: Any = made) -> Any:
            held.append(made(*args))
            return held[-1]

        for module in (triton_sides, triton_search):
            monkeypatch.setattr(module, name, kept, raising=module is triton_sides)
    x, y = (whole_numbers("xy", *shape) for shape in shapes)
    with _Largest() as largest:
        search(x, y, keep, how)
    tensors = [v for part in held for v in vars(part).values() if isinstance(v, Tensor)]
    assert len(held) == 4
    said = sum(triton_sides.side_bytes(*shape, keep, "fp16", how.tile) for shape in shapes)
    assert sum(tensor.nbytes for tensor in tensors) == said
    # Nothing else is as large, least of all a matrix of scores.
    assert largest.bytes == max(tensor.nbytes for tensor in tensors) < 190 * 380 * 4


def test_memory_for_a_million_a_side() -> None:
    assert 1.4e9 < search_bytes(10**6, 10**6, 64, 8, "fp16", columns=True) < 2e9
    # Linear in the rows, and in what is kept.
    small, large = (search_bytes(n, n, 384, 8, "fp16", True) for n in (2**20, 2**22))
    assert large == pytest.approx(4 * small, rel=1e-6)
    one_way = search_bytes(2**20, 2**20, 384, 8, "fp16", columns=False)
    assert small - one_way == 2**20 * (4 + 8 * (4 * 8 + 32) + 2 * 8 * 8)
