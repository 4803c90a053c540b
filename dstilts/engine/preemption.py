"""Being told to stop: a signal becomes a flag, the ranks agree on it, the run ends with code 75.

Signals are for the ranks. The deepspeed launcher returns their 75 when they alone were signalled; a
SIGTERM to its whole process group reaches them too, but it then ends at once with 143 (-15), and a
rank that has not saved 30 seconds later is killed by it.
"""

import signal
from types import FrameType, TracebackType
from typing import Self

from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup

EXIT_CODE = 75  # "start me again": the run was saved, not finished (EX_TEMPFAIL of sysexits.h)

# SIGTERM from a scheduler or a launcher; SIGUSR1 and SIGUSR2 from Slurm ahead of a time limit.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class Preempted(SystemExit):
    """The run was told to stop, saved itself and ends the process with `EXIT_CODE`."""

    def __init__(self) -> None:
        super().__init__(EXIT_CODE)


class StopFlag:
    """Catches the signals while it is open. A second signal changes nothing: the save goes on."""

    def __init__(self, group: ProcessGroup) -> None:
        self._group = group
        self._control = _control_group(group)
        self._is_set = False
        self._previous: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._catch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Preempted):
            # A launcher that sees one rank end signals the others: they are to end with their code.
            return
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def agreed(self) -> bool:
        """Whether any rank was told to stop (a collective between hosts: no device waits)."""
        if self._group.world_size == 1:
            return self._is_set
        import torch
        import torch.distributed as dist

        flag = torch.tensor([int(self._is_set)], dtype=torch.int32)
        dist.all_reduce(flag, op=dist.ReduceOp.MAX, group=self._control)
        return bool(flag.item())

    def _catch(self, number: int, frame: FrameType | None) -> None:
        if not self._is_set:
            log(f"rank {self._group.rank}: {signal.Signals(number).name}: stopping after this step")
        self._is_set = True


def _control_group(group: ProcessGroup) -> object | None:
    """A group of CPU tensors: the default one, or one beside NCCL (then a collective)."""
    if group.world_size == 1:
        return None
    import torch.distributed as dist

    return None if dist.get_backend() == "gloo" else dist.new_group(backend="gloo")
