"""The processes of one job and what they say to each other; one process is a group of one."""

import os
from dataclasses import dataclass
from typing import TypeVar

from dstilts.core.launchers import read_launch

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
    """This process's place in the job that a launcher started: deepspeed, torchrun, srun, mpiexec.

    What torch and DeepSpeed read of it is put into the environment, where it is not there.

    Raises:
        UserError: the environment is incomplete or contradicts itself.
    """
    launch = read_launch(os.environ)
    os.environ.update(launch.variables)
    return ProcessGroup(launch.rank, launch.world_size, launch.local_rank)
