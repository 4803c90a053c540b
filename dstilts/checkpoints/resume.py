"""Resume points: DeepSpeed's sharded state under our own manifest, verified before it is loaded.

DeepSpeed's file `latest` is not used: it is written before the other ranks' shards are whole.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstilts.core.config import build, to_table
from dstilts.core.digest import file_digest
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.core.process_group import ProcessGroup

SCHEMA = 1
MANIFEST_FILE = "resume.json"
NUM_KEPT = 2


@dataclass(frozen=True)
class LoopState:
    """All that a run needs beside DeepSpeed's state: everything else follows from key and step."""

    key: str  # of the model in the making
    step: int  # the next step to be taken
    world_size: int
    zero_stage: int


@dataclass(frozen=True)
class ResumePoint:
    """A resume point on disk whose files are whole."""

    folder: Path
    state: LoopState


@dataclass(frozen=True)
class _File:
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class _ResumeManifest:
    schema: int
    state: LoopState
    files: dict[str, _File]


def save_resume(engine: Any, folder: Path, state: LoopState, group: ProcessGroup) -> Path:
    """Saves the run below `folder` (a collective) and keeps the last two points.

    The manifest is written last, after every rank's files: a point without one does not count.
    """
    tag = f"step-{state.step:08d}"
    point = folder / tag
    if group.is_main:
        # What a killed run left under this name is no part of the new point.
        remove_point(point)
    group.barrier()
    engine.save_checkpoint(str(folder), tag=tag, save_latest=False)
    group.barrier()
    files = _describe_files(point, group)
    if group.is_main:
        manifest = _ResumeManifest(SCHEMA, state, files)
        write_json(point / MANIFEST_FILE, to_table(manifest))
        for old in _points(folder)[NUM_KEPT:]:
            remove_point(old)
    group.barrier()
    return point


def find_resume(folder: Path) -> ResumePoint | None:
    """The newest point below `folder` whose files match their sizes and hashes, or None."""
    for point in _points(folder):
        found = _read_point(point)
        if found is not None:
            return found
    return None


def load_resume(engine: Any, point: ResumePoint) -> None:
    """Loads a verified point into an engine of the same shape (a collective).

    The files hold pickles: only `find_resume`, which has compared their hashes, makes a point.
    """
    loaded, _ = engine.load_checkpoint(str(point.folder.parent), tag=point.folder.name)
    if loaded is None:
        raise UserError("DeepSpeed found no state", file=point.folder, remedy="remove the folder")


def check_resume(point: ResumePoint, expected: LoopState) -> None:
    """Compares a point with the run that wants to go on from it; the step is not compared.

    Raises:
        UserError: the point belongs to another phase, world size or ZeRO stage.
    """
    state = point.state
    if state.key != expected.key:
        raise UserError(
            "a resume point of another configuration",
            file=point.folder,
            remedy="remove it, or choose another output folder",
        )
    if state.world_size != expected.world_size:
        raise UserError(
            f"saved by {state.world_size} ranks, started again on {expected.world_size}",
            file=point.folder,
            remedy=f"start {state.world_size} ranks, or remove it to begin anew",
        )
    if state.zero_stage != expected.zero_stage:
        raise UserError(
            f"saved with ZeRO stage {state.zero_stage}, not {expected.zero_stage}",
            file=point.folder,
            remedy=f"use engine.zero_stage = {state.zero_stage}, or remove it to begin anew",
        )


def remove_point(point: Path) -> None:
    """Removes a resume point, its manifest first: half a point never counts as one."""
    (point / MANIFEST_FILE).unlink(missing_ok=True)
    shutil.rmtree(point, ignore_errors=True)


def remove_all(folder: Path) -> None:
    """Removes every resume point of a run that has no more use for them."""
    for point in _points(folder):
        remove_point(point)
    shutil.rmtree(folder, ignore_errors=True)


def _points(folder: Path) -> list[Path]:
    """The folders of finished points, newest first."""
    return sorted((path.parent for path in folder.glob(f"step-*/{MANIFEST_FILE}")), reverse=True)


def _describe_files(point: Path, group: ProcessGroup) -> dict[str, _File]:
    """Size and hash of every file; the ranks share the work (a collective)."""
    paths = sorted(path for path in point.rglob("*") if path.is_file())
    mine = {
        path.relative_to(point).as_posix(): _File(path.stat().st_size, file_digest(path))
        for path in paths[group.rank :: group.world_size]
    }
    return {name: file for part in group.gather(mine) for name, file in part.items()}


def _read_point(point: Path) -> ResumePoint | None:
    """The point if it is whole. A broken one is passed over, not an error: an older one may do."""
    try:
        table = read_json(point / MANIFEST_FILE)
        manifest = build(_ResumeManifest, table, file=point / MANIFEST_FILE)
    except UserError:
        return None
    if manifest.schema != SCHEMA:
        return None
    for name, file in manifest.files.items():
        path = point / name
        # The size first: a file cut off by a kill is found without reading gigabytes.
        if not path.is_file() or path.stat().st_size != file.size:
            return None
    if any(file_digest(point / name) != file.sha256 for name, file in manifest.files.items()):
        return None
    return ResumePoint(point, manifest.state)
