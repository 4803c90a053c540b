"""How much memory is left, on the host and on a device, and whether the system killed for it."""

import resource
from collections.abc import Iterator
from pathlib import Path

import torch

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")


def free_host_bytes(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int | None:
    """What processes of this host, or of this container, may still take without swapping.

    None where the system does not say (macOS).
    """
    limits = [limit - used for limit, used in _limits(proc, cgroups)]
    available = _field(proc / "meminfo", "MemAvailable:")
    if available is not None:
        limits.append(available * 1024)
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    addresses = _field(proc / "self" / "status", "VmSize:")
    if most != resource.RLIM_INFINITY and addresses is not None:
        limits.append(most - addresses * 1024)
    return max(0, min(limits)) if limits else None


def free_device_bytes(device: torch.device) -> int | None:
    """What a rank may still take on its device: of CUDA the device's, otherwise the host's."""
    if device.type != "cuda":
        return free_host_bytes()
    free, _ = torch.cuda.mem_get_info(device)
    # What torch keeps for itself without a tensor in it.
    return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))


def memory_kills(proc: Path = _PROC, cgroups: Path = _CGROUPS) -> int | None:
    """How many processes of this host were killed so far because there was no memory left."""
    counts = [
        count
        for folder in _folders(proc, cgroups)
        for name in ("memory.events", "memory.oom_control")
        if (count := _field(folder / name, "oom_kill")) is not None
    ]
    whole = _field(proc / "vmstat", "oom_kill")
    if whole is not None:
        counts.append(whole)
    return max(counts, default=None)


def _limits(proc: Path, cgroups: Path) -> Iterator[tuple[int, int]]:
    """Limit and use of each control group that this process is in, in bytes."""
    for folder in _folders(proc, cgroups):
        for limit, used, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, now = _number(folder / limit), _number(folder / used)
            if most is not None and now is not None:
                # Pages of files that nobody needs make way for a process's own.
                yield most, now - (_field(folder / "memory.stat", cache) or 0)


def _folders(proc: Path, cgroups: Path) -> Iterator[Path]:
    """The memory control groups of this process from its own up to the root, versions 1 and 2."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = cgroups / "memory" if controllers else cgroups
        folder = root / path.lstrip("/")
        # Inside a container the path may be the host's, and the group itself stands at the root.
        while folder != root:
            yield folder
            folder = folder.parent
        yield root


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None  # version 2 writes "max" for no limit


def _field(file: Path, name: str) -> int | None:
    """The number behind a word at the beginning of a line."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.split()[:1] == [name]), None)
