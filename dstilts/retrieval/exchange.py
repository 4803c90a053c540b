"""What ranks hand each other while rank 0 leads: orders, parts of blocks, results.

Shapes: N vectors, D dimensions.
"""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor

from dstilts.core.errors import RunError
from dstilts.core.process_group import ProcessGroup

_MEETING = timedelta(minutes=10)
# A rank that dies closes its connections, which ends the others at once. This is for one that no
# longer answers; the ranks also wait so long for rank 0 while it reads, matches and writes alone.
_PATIENCE = timedelta(hours=6)

T = TypeVar("T")


@contextlib.contextmanager
def connected(group: ProcessGroup) -> Iterator[None]:
    """The ranks that a launcher started, connected until the end; each on its own GPU if any.

    Raises:
        RunError: they do not meet.
    """
    if torch.cuda.is_available():
        torch.cuda.set_device(group.local_rank)
    if group.world_size == 1:
        yield
        return
    import torch.distributed as dist

    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        meeting = dist.rendezvous("env://", timeout=_MEETING)  # type: ignore[attr-defined]
        store, rank, size = next(meeting)
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_PATIENCE)
    except RuntimeError as error:
        raise RunError(f"the ranks do not meet: {_first_line(error)}") from error
    try:
        yield
    finally:
        # Gloo's threads must end before the interpreter does, or the process may abort on its way.
        dist.destroy_process_group()


class Exchange:
    """The ranks of a job, of which rank 0 hands out and gathers; one rank does neither."""

    def __init__(self, group: ProcessGroup) -> None:
        self.group = group

    @property
    def size(self) -> int:
        """The number of ranks."""
        return self.group.world_size

    @property
    def leads(self) -> bool:
        """Whether this is rank 0."""
        return self.group.is_main

    def shares(self, number: int) -> list[int]:
        """How many of so many rows are each rank's."""
        edges = [number * rank // self.size for rank in range(self.size + 1)]
        return [last - first for first, last in itertools.pairwise(edges)]

    def tell(self, order: T) -> T:
        """Rank 0's order on every rank (a collective)."""
        if self.size == 1:
            return order
        import torch.distributed as dist

        with self.unbroken():
            orders = [order]
            dist.broadcast_object_list(orders)
            return orders[0]

    def own_of(self, items: Sequence[T] | None) -> T:
        """This rank's item of those, one a rank, that rank 0 has (a collective)."""
        if self.size == 1:
            assert items is not None
            return items[0]
        import torch.distributed as dist

        own: list[T] = [None]  # type: ignore[list-item]  # overwritten
        with self.unbroken():
            dist.scatter_object_list(own, list(items) if items is not None else None)
        return own[0]

    def own_rows(
        self, block_ND: Tensor | None, number: int, num_dims: int, dtype: torch.dtype
    ) -> Tensor:
        """This rank's share of the rows of a block that rank 0 has (a collective)."""
        if self.size == 1:
            assert block_ND is not None
            return block_ND
        import torch.distributed as dist

        sizes = self.shares(number)
        with self.unbroken():
            if block_ND is None:
                own_ND = torch.empty(sizes[self.group.rank], num_dims, dtype=dtype)
                if own_ND.numel():  # of 0 bytes nothing is sent
                    dist.recv(bytes_of(own_ND), 0)
                return own_ND
            parts = block_ND.contiguous().split(sizes)
            for rank, part in enumerate(parts):
                if rank and part.numel():
                    dist.send(bytes_of(part), rank)
            return parts[0]

    def gathered(self, own: Tensor, sizes: Sequence[int]) -> list[Tensor]:
        """On rank 0 the tensors of all ranks, with so many rows each; elsewhere the own one alone.

        A collective; tensors are on the host.
        """
        if self.size == 1:
            return [own]
        import torch.distributed as dist

        with self.unbroken():
            if not self.leads:
                if own.numel():
                    dist.send(bytes_of(own), 0)
                return [own]
            parts = [own, *(own.new_empty(size, *own.shape[1:]) for size in sizes[1:])]
            for rank, part in enumerate(parts):
                if rank and part.numel():
                    dist.recv(bytes_of(part), rank)
            return parts

    @contextlib.contextmanager
    def unbroken(self) -> Iterator[None]:
        """Says in one line what another rank's end looks like from here.

        Raises:
            RunError: in place of what torch raises, among several ranks.
        """
        try:
            yield
        except (RuntimeError, ValueError) as error:
            if self.size == 1:
                raise
            raise RunError(
                f"rank {self.group.rank} cannot go on, perhaps because another rank has ended "
                f"({_first_line(error)}); what is done is kept: run the same command again"
            ) from error


def bytes_of(tensor: Tensor) -> Tensor:
    """The tensor's memory as bytes, because back ends differ in the types they know."""
    return tensor.view(-1).view(torch.uint8)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
