"""Batches made ahead in a thread, and put where a GPU can fetch them by itself."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
B = TypeVar("B")


@contextlib.contextmanager
def prefetched(
    items: Iterable[T],
    make: Callable[[T], B],
    depth: int,
    device: torch.device | None = None,
) -> Iterator[Iterator[B]]:
    """What `make` gives for each item, in order; as a context, because a thread has to be ended.

    The thread makes the next `depth` while the caller is busy with one. At the end of the context
    it is gone, and nothing of what it used is used any more. An error in `make` is raised where
    its result is asked for, with its own traceback.

    Args:
        items: looked at in the caller's thread, `depth` ahead.
        make: a function of the item alone, for it runs in the other thread.
        depth: 0: no thread, each is made when it is asked for.
        device: of this rank: with CUDA the one that `make` may pin memory for.
    """
    if depth == 0:
        yield map(make, items)
        return
    # Otherwise pinning would open GPU 0 on every rank.
    start = (lambda: torch.cuda.set_device(device)) if device and device.type == "cuda" else None
    thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch", initializer=start)
    try:
        yield _in_order(iter(items), make, depth, thread)
    finally:
        # Waits for the one that is being made; those behind it are dropped.
        thread.shutdown(wait=True, cancel_futures=True)


def pinned(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A batch in page-locked memory: copying it to the GPU is no host-device sync.

    The memory may be let go as soon as the copy is begun: torch keeps it until that has ended.
    """
    return {name: tensor.pin_memory() for name, tensor in tensors.items()}


def _in_order(
    items: Iterator[T], make: Callable[[T], B], depth: int, thread: ThreadPoolExecutor
) -> Iterator[B]:
    ahead: deque[Future[B]] = deque(thread.submit(make, item) for item in islice(items, depth))
    while ahead:
        result = ahead.popleft().result()
        ahead.extend(thread.submit(make, item) for item in islice(items, 1))
        yield result
