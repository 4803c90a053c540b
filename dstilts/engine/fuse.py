"""How many micro-batches go through the model in one pass: searched once, then remembered.

A search tries passes on the model before DeepSpeed has it: nothing is sent in a pass, so a rank
that runs out of memory leaves no other one waiting.
"""

import dataclasses
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from dstilts.core.cache import cache_folder
from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.memory_advice import is_out_of_memory
from dstilts.engine.phase import BatchConfig, PhaseConfig

MARGIN = 0.1  # of the free memory stays free
_AS_FAST = 0.95  # of the best speed: not worth more memory
_SLOWER = 0.9  # of the best speed: larger passes will not be faster either


class Passes(Protocol):
    """What tries passes of so many micro-batches on this rank."""

    def num_tokens(self, fuse: int) -> int:
        """The tokens that the heaviest pass computes, padding included."""

    def run(self, fuse: int) -> tuple[int, float]:
        """Forward and backward: the bytes that the heaviest pass takes at most, beside what is
        there all the time, and the seconds of a usual one.

        Raises:
            RuntimeError: out of memory; or another error that says so.
        """


@dataclass(frozen=True)
class Trial:
    """A pass that was tried on all ranks; the worst of them counts."""

    fuse: int  # micro-batches
    num_tokens: int  # of the heaviest
    peak: int  # bytes
    seconds: float

    @property
    def speed(self) -> float:
        """Micro-batches a second."""
        return self.fuse / self.seconds


def sizes(batch: BatchConfig, world_size: int) -> list[int]:
    """The numbers of micro-batches that a pass may have, ascending.

    The passes of each task drawn for a step are shared evenly by the ranks.
    """
    each = batch.micro_batches // batch.tasks_per_step // world_size
    return [number for number in range(1, each + 1) if each % number == 0]


def search(allowed: Sequence[int], passes: Passes, room: float, group: ProcessGroup) -> list[Trial]:
    """The passes that fit, tried in steps of about two from the smallest on (a collective).

    None is tried that the ones before it say would not fit: where memory really runs out the system
    kills, and asks nobody.

    Args:
        allowed: sizes of a pass, ascending.
        room: bytes that a pass may take on this rank.
    """
    trials: list[Trial] = []
    too_large = allowed[-1] + 1
    for fuse in _doubling(allowed):
        trial = _tried(fuse, trials, passes, room, group)
        if trial is None:
            too_large = fuse
            break
        trials.append(trial)
        if trial.speed < _SLOWER * max(each.speed for each in trials):
            return trials
    last = trials[-1].fuse if trials else 0
    for fuse in reversed([each for each in allowed if last < each < too_large]):
        trial = _tried(fuse, trials, passes, room, group)
        if trial is not None:
            trials.append(trial)
            break
    return trials


def choose(trials: Sequence[Trial]) -> int:
    """The smallest pass that is about as fast as the fastest; 1 where none fits."""
    best = max((trial.speed for trial in trials), default=0.0)
    return min((trial.fuse for trial in trials if trial.speed >= _AS_FAST * best), default=1)


class FuseMemory:
    """What was found for a phase on this machine, in the cache folder `fuse`.

    Args:
        encoder: the digest of the encoder.
        device: of this rank.
    """

    def __init__(
        self, config: PhaseConfig, encoder: str, group: ProcessGroup, device: torch.device
    ) -> None:
        self._group = group
        self._allowed = sizes(config.batch, group.world_size)
        self._facts = _facts(config, encoder, group, device)
        self._file = cache_folder("fuse") / f"{short_key(self._facts)}.json"

    def known(self) -> int | None:
        """The size of a pass, if there is nothing to search for (a collective)."""
        if len(self._allowed) == 1:
            return 1
        # Caches of several hosts may differ: rank 0's decides.
        return self._group.broadcast(self._read() if self._group.is_main else None)

    def find(self, passes: Passes, room: float) -> int:
        """Searches for the size of a pass and keeps it (a collective).

        Args:
            room: bytes that a pass may take on this rank.
        """
        trials = search(self._allowed, passes, room, self._group)
        found = choose(trials)
        if self._group.is_main:
            self._keep(found, trials)
            speeds = ", ".join(f"{each.fuse}: {each.speed:.3g}" for each in trials)
            log(
                f"engine.fuse = {found} is remembered in {self._file} "
                f"(micro-batches a second by the size of a pass: {speeds or 'none fits'})"
            )
        return found

    def halve(self, fuse: int) -> int:
        """Remembers half of a size that has run out of memory after all; returns it.

        No collective: ranks that fail together write the same.
        """
        smaller = max([each for each in self._allowed if 2 * each <= fuse], default=1)
        self._keep(smaller, [])
        return smaller

    def _keep(self, fuse: int, trials: Sequence[Trial]) -> None:
        tried = [dataclasses.asdict(trial) for trial in trials]
        write_json(self._file, {"fuse": fuse, "tried": tried, **self._facts})

    def _read(self) -> int | None:
        """What was kept; a broken file counts as none."""
        try:
            fuse = read_json(self._file)["fuse"]
        except (UserError, KeyError, TypeError):
            return None
        return fuse if fuse in self._allowed else None


def _tried(
    fuse: int, before: Sequence[Trial], passes: Passes, room: float, group: ProcessGroup
) -> Trial | None:
    """A pass on all ranks (a collective); None if it does not fit on one of them."""
    num_tokens = passes.num_tokens(fuse)
    # Grows with the tokens, and they by more than the passes: rows are padded to the longest.
    expected = before[-1].peak * num_tokens / before[-1].num_tokens if before else 0.0
    if group.any(expected > room):
        return None
    mine = _measured(fuse, passes)
    results = group.gather(mine if mine and mine[0] <= room else None)
    fitting = [result for result in results if result is not None]
    if len(fitting) < len(results):
        return None
    peak, seconds = (max(values) for values in zip(*fitting, strict=True))
    return Trial(fuse, num_tokens, int(peak), seconds)


def _measured(fuse: int, passes: Passes) -> tuple[int, float] | None:
    """Bytes and seconds on this rank; None if memory runs out."""
    try:
        return passes.run(fuse)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return None


def _doubling(allowed: Sequence[int]) -> list[int]:
    chosen = [allowed[0]]
    for number in allowed:
        if number >= 2 * chosen[-1]:
            chosen.append(number)
    return chosen


def _facts(
    config: PhaseConfig, encoder: str, group: ProcessGroup, device: torch.device
) -> dict[str, object]:
    """All that the size depends on (a collective)."""
    engine, host = config.engine, socket.gethostname()
    facts: dict[str, object] = {
        "encoder": encoder,
        "tasks": [use.task for use in config.tasks],
        "batch": dataclasses.asdict(config.batch),
        "ranks": group.world_size,
        "ranks_here": group.gather(host).count(host),
        "torch": torch.__version__,
    }
    names = "zero_stage precision offload activation_checkpointing compile remove_padding"
    for name in (*names.split(), "freeze_embeddings"):
        facts[name] = getattr(engine, name)
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return {**facts, "device": properties.name, "memory": properties.total_memory}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    processor = {"device": host, "cores": cores, "threads": torch.get_num_threads()}
    return {**facts, **processor, "memory": memory}
