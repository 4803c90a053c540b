"""A cached folder that the first comer builds; everyone after that checks it and uses it."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

from dstilts.core.digest import file_digest
from dstilts.core.errors import UserError
from dstilts.core.files import atomic_folder, read_json, write_json

CONTENTS = "contents.json"  # written last: name, size and SHA-256 of every other file
ALWAYS_HASHED = 32 << 20  # bytes; larger files are only measured when the folder is found again


def built_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """`folder`, filled by `build` if it is not there yet.

    Processes of one machine wait for the first one's result (a lock beside the folder). Where the
    lock does not reach, on another node, two may build: the rename is atomic and one is kept.
    After building, every byte is read back and compared; a folder that is found has its
    files' sizes and the hashes of the small ones compared, which takes well under a second.

    Raises:
        UserError: the folder is damaged.
    """
    if not folder.is_dir():
        with _lock(folder.with_name(f".{folder.name}.lock")):
            if not folder.is_dir():
                with atomic_folder(folder) as temporary:
                    build(temporary)
                    write_json(temporary / CONTENTS, _contents(temporary))
                verify(folder)
                return folder
    _check(folder, ALWAYS_HASHED)
    return folder


def verify(folder: Path) -> None:
    """Compares every file of a folder from `built_once` with its recorded SHA-256, whole.

    Raises:
        UserError: the folder is damaged.
    """
    _check(folder, None)


def _contents(folder: Path) -> dict[str, dict[str, object]]:
    return {
        file.name: {"size": file.stat().st_size, "sha256": file_digest(file)}
        for file in sorted(folder.iterdir())
    }


def _check(folder: Path, largest_hashed: int | None) -> None:
    remedy = f"delete the folder {folder}, it is made again when next needed"
    try:
        contents = read_json(folder / CONTENTS)
    except UserError as error:
        raise UserError(error.problem, file=error.file, remedy=remedy) from None
    for name, recorded in contents.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != recorded["size"]:
            raise UserError("missing or cut off", file=file, remedy=remedy)
        hashed = largest_hashed is None or recorded["size"] <= largest_hashed
        if hashed and file_digest(file) != recorded["sha256"]:
            raise UserError("its content has changed since it was made", file=file, remedy=remedy)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        # A file system without locks: every process builds, and the first rename wins.
        with contextlib.suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
