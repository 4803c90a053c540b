"""Disks without room: how much is free, and how an error says that it was not enough."""

import errno
import os
from pathlib import Path

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file would be larger than this system allows",
}

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def size_text(num_bytes: float) -> str:
    """A size for people: "3.1 GiB", "12.0 MiB", "17 bytes"."""
    unit = 0
    while abs(num_bytes) >= 1024 and unit < len(_UNITS) - 1:
        num_bytes /= 1024
        unit += 1
    return f"{num_bytes:.{1 if unit else 0}f} {_UNITS[unit]}"


def free_bytes(path: Path) -> int:
    """What may still be written below `path`, which need not exist yet.

    Quotas are not seen: the system does not say here what they leave.
    """
    existing = path.absolute()
    while not existing.exists():
        existing = existing.parent
    stats = os.statvfs(existing)
    return stats.f_bavail * stats.f_frsize


def require_space(path: Path, needed: int) -> None:
    """Says that a disk has no room before anything is written on it.

    Args:
        needed: bytes, of all ranks together where they write to the same disk.

    Raises:
        OSError: ENOSPC, as if it had been tried.
    """
    if free_bytes(path) < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def is_disk_full(error: BaseException) -> bool:
    """Whether an error means that there is no room for what was written."""
    return _number(error) is not None


def disk_error(error: BaseException, path: Path | None = None, needed: int | None = None) -> str:
    """What an error met while writing says, in one line; of a full disk also what is left on it.

    Args:
        path: where it was written; without it what the error names, if anything.
        needed: bytes that were to be written.
    """
    number = _number(error)
    if number is None:
        return " ".join(str(error).split())
    named = getattr(error, "filename", None)
    place = path or (Path(named) if named else None)
    sizes = [] if needed is None else [f"{size_text(needed)} needed"]
    if place is not None:
        sizes.append(f"{size_text(free_bytes(place))} free")
    return f"{_FULL[number]} ({', '.join(sizes)})" if sizes else _FULL[number]


def _number(error: BaseException) -> int | None:
    """Of the system's error; None if it is not about room."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in _FULL else None
    # Libraries that write by themselves (safetensors, Arrow) pass the system's words on.
    text = str(error)
    return next((number for number in _FULL if os.strerror(number) in text), None)
