"""Who works on a node: a locked file each, held as long as any process of the holder lives.

The lock is the kernel's (flock): a process that is killed lets go of it, whatever happens, and a
launch inherits it from the driver that started it. On file systems that several machines share it
reaches as far as their locks do (NFS: since version 4, or with its lock daemon).
"""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.config import build, to_table
from dstilts.core.errors import UserError


@dataclass(frozen=True)
class Holder:
    """A process at work on a node, since a time in seconds since 1970."""

    host: str
    pid: int
    since: float
    job: str | None = None  # of a scheduler


@dataclass
class Claim:
    """A node that this process, and what it starts with `descriptor`, works on alone.

    Attributes:
        lost: who held it before and ended without letting go.
    """

    file: Path
    descriptor: int
    lost: Holder | None = None

    def release(self) -> None:
        """Lets go; the file goes first, so that nobody finds one that is held no more."""
        with contextlib.suppress(FileNotFoundError):
            self.file.unlink()
        os.close(self.descriptor)


class Claims:
    """The claims below a folder of runs."""

    def __init__(self, runs: Path) -> None:
        self._folder = runs / "claims"

    def take(self, key: str) -> Claim | None:
        """The claim of a node; None where another process holds it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / key
        while True:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                return None
            if _is_at(file, descriptor):
                break
            os.close(descriptor)  # its holder removed the file between our two calls
        claim = Claim(file, descriptor, lost=_read(descriptor))
        holder = Holder(socket.gethostname(), os.getpid(), time.time(), _job())
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(to_table(holder)).encode(), 0)
        return claim

    def held(self) -> Iterator[tuple[str, Holder]]:
        """The nodes that some process holds now, and who."""
        for file in self._files():
            with contextlib.suppress(FileNotFoundError):
                descriptor = os.open(file, os.O_RDONLY)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    if (holder := _read(descriptor)) is not None:
                        yield file.name, holder
                finally:
                    os.close(descriptor)

    def left_behind(self) -> list[str]:
        """The nodes whose holder ended without letting go."""
        held = {key for key, _ in self.held()}
        return [file.name for file in self._files() if file.name not in held]

    def _files(self) -> list[Path]:
        return sorted(self._folder.iterdir()) if self._folder.is_dir() else []


def _is_at(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(file), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _read(descriptor: int) -> Holder | None:
    """The holder in a file; None in a new one, or one that was cut off while it was written."""
    try:
        return build(Holder, json.loads(os.pread(descriptor, 4096, 0)))
    except (ValueError, UserError):
        return None


def _job() -> str | None:
    return os.environ.get("SLURM_JOB_ID")
