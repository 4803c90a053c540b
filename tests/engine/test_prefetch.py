"""Making batches ahead: the same ones, never too many, and no thread left behind."""

import threading
import traceback
from collections.abc import Iterator

import pytest
import torch

from dstilts.engine.prefetch import pinned, prefetched

DEPTHS = (0, 1, 2, 7)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("prefetch")]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("number", [0, 1, 5, 30])
def test_the_same_results_in_order(number: int, depth: int) -> None:
    with prefetched(range(number), lambda item: item * item, depth) as made:
        assert list(made) == [item * item for item in range(number)]
    assert threads() == []


def test_no_more_than_the_depth_is_made_ahead() -> None:
    begun: list[int] = []
    with prefetched(range(20), lambda item: begun.append(item) or item, 3) as made:
        for taken, item in enumerate(made):
            assert item == taken
            assert len(begun) <= taken + 4  # the one that is looked at, and three
    assert begun == list(range(20))


def test_the_next_one_is_made_while_one_is_looked_at() -> None:
    second = threading.Event()
    with prefetched([1, 2], lambda item: second.set() if item == 2 else None, 1) as made:
        next(made)
        assert second.wait(60)


def test_without_depth_nothing_is_made_ahead() -> None:
    begun: list[str] = []
    with prefetched(range(5), lambda _: begun.append(threading.current_thread().name), 0) as made:
        next(made)
        assert begun == [threading.current_thread().name]


@pytest.mark.parametrize("depth", DEPTHS)
def test_an_error_is_raised_where_its_result_is_asked_for(depth: int) -> None:
    def fails_at_three(item: int) -> int:
        if item == 3:
            raise ValueError("no third")
        return item

    taken = []
    with (
        pytest.raises(ValueError, match="no third") as caught,
        prefetched(range(9), fails_at_three, depth) as made,
    ):
        for item in made:
            taken.append(item)
    assert taken == [0, 1, 2]
    assert "fails_at_three" in "".join(traceback.format_tb(caught.value.__traceback__))
    assert threads() == []


@pytest.mark.parametrize("depth", DEPTHS)
def test_an_error_of_the_items(depth: int) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"), prefetched(items(), abs, depth) as made:
        list(made)
    assert threads() == []


@pytest.mark.parametrize("end", ["break", "error"])
def test_leaving_early_ends_the_thread_and_drops_the_rest(end: str) -> None:
    begun: list[int] = []
    hold = threading.Event()

    def slow(item: int) -> int:
        begun.append(item)
        if item > 0:
            hold.wait(60)
        return item

    def leave() -> None:
        with prefetched(range(50), slow, 4) as made:
            next(made)
            # Item 1 is being made; it is let go once the context is on its way out.
            threading.Timer(0.2, hold.set).start()
            if end == "error":
                raise RuntimeError("the loop failed")

    if end == "error":
        with pytest.raises(RuntimeError, match="the loop failed"):
            leave()
    else:
        leave()
    assert threads() == []
    # At most the one that was in the making: those behind it were never begun.
    assert begun in ([0], [0, 1])


def test_pinned_tensors_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    if not torch.cuda.is_available():
        monkeypatch.setattr(torch.Tensor, "pin_memory", torch.Tensor.clone)
    batch = {"input_ids": torch.arange(6).view(2, 3), "label": torch.tensor([1, 0])}
    held = pinned(batch)
    assert all(torch.equal(held[name], batch[name]) for name in batch)
    if torch.cuda.is_available():
        assert all(tensor.is_pinned() for tensor in held.values())
