"""Files and folders that are whole or absent: written under another name, synced, renamed."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dstilts.core.errors import UserError


def write_text(path: Path, text: str) -> None:
    """Replaces `path` by `text` (UTF-8) in one atomic step."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Replaces `path` by `value` as indented JSON in one atomic step."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Replaces `path` by `content` in one atomic step."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yields a temporary name beside `path`; left without an error, it becomes `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; a published file follows the user's umask.
        temporary.chmod(0o666 & ~_umask())
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder; left without an error, it is synced and becomes `path`.

    Where `path` exists already (another process was first), the new folder is thrown away: folders
    written this way are named by their content's key, so the two are equal.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        for file in temporary.rglob("*"):
            sync(file)
        sync(temporary)
        try:
            os.rename(temporary, path)
        except OSError:
            if not path.is_dir():
                raise
        sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sync(path: Path) -> None:
    """Brings a file or a folder's entries from the system's memory to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> Any:
    """The JSON value in `path`.

    Raises:
        UserError: the file is missing, is not UTF-8 or is not JSON (cut off in the middle, say).
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("no such file", file=path) from None
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 at byte {error.start}", file=path) from None
    except json.JSONDecodeError as error:
        raise UserError(f"broken JSON: {error.msg}", file=path, line=error.lineno) from None


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
