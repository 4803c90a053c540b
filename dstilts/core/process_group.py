"""The processes of one job and what they say to each other; one process is a group of one."""

import os
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """Rank and size of this job, and the few collectives the engine needs outside DeepSpeed."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, the one that writes."""
        return self.rank == 0

    def barrier(self) -> None:
        """Waits for every rank (a collective)."""
        if self.world_size > 1:
            import torch.distributed as dist

            dist.barrier()

    def broadcast(self, value: T) -> T:
        """Rank 0's `value` on every rank (a collective)."""
        return self.gather(value)[0]

    def gather(self, value: T) -> list[T]:
        """Every rank's `value`, in rank order, on every rank (a collective)."""
        if self.world_size == 1:
            return [value]
        import torch.distributed as dist

        values: list[T] = [value] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def any(self, flag: bool) -> bool:
        """Whether `flag` is set on at least one rank (a collective)."""
        return any(self.gather(flag))


def launched_ranks() -> ProcessGroup:
    """The rank and size that a launcher (deepspeed, torchrun) put in the environment."""
    return ProcessGroup(
        rank=int(os.environ.get("RANK", "0")),
        world_size=int(os.environ.get("WORLD_SIZE", "1")),
        local_rank=int(os.environ.get("LOCAL_RANK", "0")),
    )
