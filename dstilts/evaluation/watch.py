"""Evaluates models as they are published, while training goes on."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dstilts.checkpoints.manifest import MANIFEST_FILE
from dstilts.checkpoints.publish import is_published
from dstilts.core.errors import IncompleteError, UserError
from dstilts.core.logs import log

_SECONDS = 5.0  # between two looks


def watch(runs: Path, evaluate: Callable[[Path], None], *, once: bool = False) -> int:
    """Evaluates every model below a folder, and each new one when it is published.

    Ends with an interrupt or SIGTERM; a model that is broken or vanishes costs a line.

    Args:
        evaluate: one published folder.
        once: end when all that are there have been evaluated.

    Returns:
        The exit code: of the last model that could not be evaluated, else 0.

    Raises:
        UserError: no such folder.
        RunError: a disk is full, or workers cannot work.
    """
    if not runs.is_dir():
        raise UserError("no such folder", file=runs, remedy="give the folder that models come to")
    code = 0
    seen: set[object] = set()
    with contextlib.suppress(KeyboardInterrupt), _stopped_by(signal.SIGTERM):
        while True:
            new = [found for found in _published(runs) if found not in seen]
            for folder, changed in new:
                seen.add((folder, changed))
                code = _survive(folder, evaluate) or code
            if once and not new:
                return code
            if not new:
                time.sleep(_SECONDS)
    log("watching ends; what was computed is kept")
    return code


def _published(runs: Path) -> list[tuple[Path, int]]:
    """The published folders below `runs` and when each was written, the oldest first."""
    found = []
    for folder, folders, files in os.walk(runs):
        # What is being written has a hidden name.
        folders[:] = [name for name in folders if not name.startswith(".")]
        if MANIFEST_FILE in files:
            folders.clear()
            # It may vanish while it is looked at.
            with contextlib.suppress(FileNotFoundError):
                written = (Path(folder) / MANIFEST_FILE).stat().st_mtime_ns
                found.append((Path(folder), written))
    return sorted(found, key=lambda each: (each[1], each[0]))


def _survive(folder: Path, evaluate: Callable[[Path], None]) -> int:
    """Evaluates a model; what is wrong with it is said, and its exit code returned."""
    try:
        evaluate(folder)
    except UserError as error:
        log(f"{folder} is not evaluated: {error}")
        return 2
    except IncompleteError as error:
        log(str(error))
        return error.exit_code
    except Exception as error:
        if is_published(folder):
            raise
        log(f"{folder} is not evaluated: it has vanished ({type(error).__name__})")
        return 2
    return 0


@contextlib.contextmanager
def _stopped_by(number: signal.Signals) -> Iterator[None]:
    """A signal ends what runs as an interrupt does."""
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)
