"""What to set when memory is short: before the start, and after it has run out."""

import contextlib
import dataclasses
import errno
import re
import socket
from collections.abc import Iterator
from typing import Literal

import torch

from dstilts.core.disk import size_text
from dstilts.core.errors import UserError
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.core.resident import resident_bytes
from dstilts.engine.free_memory import free_device_bytes, free_host_bytes
from dstilts.engine.memory_estimate import ModelSize, Need, pass_bytes, state_bytes
from dstilts.engine.phase import EngineConfig, PhaseConfig
from dstilts.tasks.catalog import task

_WORDS = re.compile(
    r"out of memory|can't allocate memory|not enough memory|std::bad_alloc"
    r"|cannot allocate memory|CUBLAS_STATUS_ALLOC_FAILED",
    re.IGNORECASE,
)
_ASKED = re.compile(r"tried to allocate ([\d.]+) (bytes|KiB|MiB|GiB)", re.IGNORECASE)
_STAGES: tuple[Literal[1, 2, 3], ...] = (1, 2, 3)
_UNITS = {"bytes": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


def check_fits(
    config: PhaseConfig, size: ModelSize, group: ProcessGroup, device: torch.device, fuse: int = 1
) -> None:
    """Compares what training needs with what is free, before anything is built (a collective).

    A log line warns where memory may be short by the estimate.

    Raises:
        UserError: what training keeps does not fit, on every rank alike; names what would.
    """
    free = free_for_rank(group, device)
    if free is None:
        return
    on_cuda, engine = device.type == "cuda", config.engine
    # Weights that were loaded already are counted as used; they are part of what is needed.
    allowed = (
        free if on_cuda else dataclasses.replace(free, device=free.device + 4 * size.parameters)
    )
    kept = state_bytes(size, engine, group.world_size)
    if not _fits(kept, allowed, on_cuda):
        raise UserError(
            f"weights, gradients and AdamW's state alone need {_text(kept, on_cuda)} a rank, "
            f"{_text(free, on_cuda, kept)} are free",
            remedy=_that_fits(size, engine, group.world_size, allowed, on_cuda),
        )
    rows = _longest_row(config)
    tokens = fuse * max(config.batch.tokens, rows)
    masked = any(task(use.task).kind == "mlm" for use in config.tasks)
    need = kept + pass_bytes(size, engine, tokens, rows, masked=masked)
    if group.is_main and not _fits(need, free, on_cuda):
        advice = _advice(config, group, device, fuse)
        log(
            f"{config.name}: memory may run out: a rank needs about {_text(need, on_cuda)}, "
            f"{_text(free, on_cuda, need)} are free; if it does, {advice}"
        )


def out_of_memory_message(
    error: BaseException,
    config: PhaseConfig,
    group: ProcessGroup,
    device: torch.device,
    fuse: int = 1,
) -> str | None:
    """What to set after memory has run out, in one line; None for any other error.

    Args:
        fuse: micro-batches in a pass.
    """
    if not is_out_of_memory(error):
        return None
    facts = []
    asked = _ASKED.search(str(error))
    if asked:
        size = float(asked[1]) * _UNITS[asked[2].lower()]
        facts.append(f"{size_text(size)} more were asked for")
    used = torch.cuda.memory_allocated(device) if device.type == "cuda" else resident_bytes()
    if used is not None:
        facts.append(f"{size_text(used)} in use")
    free = free_device_bytes(device)
    if free is not None:
        facts.append(f"{size_text(free)} free")
    return (
        f"{config.name}: no memory left on rank {group.rank} ({', '.join(facts)}): "
        f"{_advice(config, group, device, fuse)}"
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory has run out, on the host or on a device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and bool(_WORDS.search(str(error)))


def remedies(config: PhaseConfig, world_size: int, on_cuda: bool, fuse: int = 1) -> list[str]:
    """Settings that need less memory, the ones that cost least first."""
    engine, batch, found = config.engine, config.batch, []
    if fuse > 1:
        smaller = max(number for number in range(1, fuse // 2 + 1) if fuse % number == 0)
        found.append(f"engine.fuse = {smaller}")
    # A row that is longer than the budget stands alone: a smaller one would change nothing.
    if batch.tokens // 2 >= _longest_row(config):
        found.append(
            f"batch.tokens = {batch.tokens // 2} with batch.micro_batches = "
            f"{2 * batch.micro_batches} (the same step in smaller parts)"
        )
    if not engine.activation_checkpointing:
        found.append("engine.activation_checkpointing = true (a third more computing)")
    changes = list(_changes(engine, on_cuda))
    stages = [change for change in changes if change.offload == engine.offload]
    offloads = [change for change in changes if change.offload != engine.offload]
    # One rank alone has nobody to share with.
    next_ones = (stages[:1] if world_size > 1 else []) + offloads[:1]
    return found + [_difference(engine, change) for change in next_ones]


def _advice(config: PhaseConfig, group: ProcessGroup, device: torch.device, fuse: int) -> str:
    found = remedies(config, group.world_size, device.type == "cuda", fuse)
    return f"set {', or '.join(found)}" if found else "take a smaller encoder, or shorter rows"


def free_for_rank(group: ProcessGroup, device: torch.device) -> Need | None:
    """The least that any rank has for itself: ranks on one host share it (a collective)."""
    mine = (socket.gethostname(), free_device_bytes(device), free_host_bytes())
    everyone = group.gather(mine)
    names = [name for name, _, _ in everyone]
    devices, hosts = [], []
    for name, on_device, on_host in everyone:
        if on_device is None:
            return None
        share = names.count(name)
        on_cuda = device.type == "cuda"
        hosts.append((on_host or 0) // share if on_cuda else 0)
        devices.append(on_device if on_cuda else on_device // share)
    return Need(min(devices), min(hosts))


def _fits(need: Need, free: Need, on_cuda: bool) -> bool:
    if on_cuda:
        return need.device <= free.device and need.host <= free.host
    return need.device + need.host <= free.device + free.host


def _text(sizes: Need, on_cuda: bool, asked: Need | None = None) -> str:
    """Sizes in words; the host's is left out where none of it is `asked` for."""
    if not on_cuda:
        return size_text(sizes.device + sizes.host)
    host = f" and {size_text(sizes.host)} of the host" if (asked or sizes).host else ""
    return f"{size_text(sizes.device)}{host}"


def _that_fits(
    size: ModelSize, engine: EngineConfig, world_size: int, free: Need, on_cuda: bool
) -> str:
    for change in _changes(engine, on_cuda):
        need = state_bytes(size, change, world_size)
        if _fits(need, free, on_cuda):
            return f"use {_difference(engine, change)} ({_text(need, on_cuda)})"
    return "no other stage or offload fits either: take more ranks, or a smaller encoder"


def _changes(engine: EngineConfig, on_cuda: bool) -> Iterator[EngineConfig]:
    """Configurations that keep less on a device, in the order in which they cost more."""
    changes = [(stage, engine.offload) for stage in _STAGES if stage > engine.zero_stage]
    if on_cuda:  # elsewhere the host's memory is the device's
        if engine.offload == "none":
            same = _STAGES[max(0, engine.zero_stage - 1)]
            changes += [(same, "optimizer"), (3, "optimizer")]
        changes.append((3, "parameters"))
    for stage, offload in changes:
        # What it cannot be together with: stage 3 and compile.
        with contextlib.suppress(ValueError):
            changed = dataclasses.replace(engine, zero_stage=stage, offload=offload)
            if changed != engine:
                yield changed


def _difference(before: EngineConfig, after: EngineConfig) -> str:
    parts = [
        f"engine.{name} = {getattr(after, name)!r}"
        for name in ("zero_stage", "offload")
        if getattr(after, name) != getattr(before, name)
    ]
    return " and ".join(parts)


def _longest_row(config: PhaseConfig) -> int:
    """Tokens; the choices of an example count together, as do a question and its candidate."""
    longest = 0
    for use in config.tasks:
        spec = task(use.task)
        match spec.kind:
            case "span":
                length = config.batch.max_length_span
            case "choice":
                length = config.batch.max_length * (spec.num_choices or 1)
            case "retrieval":
                length = 2 * config.batch.max_length
            case _:
                length = config.batch.max_length
        longest = max(longest, length)
    return longest
