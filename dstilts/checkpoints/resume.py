"""Resume points: every rank's shard under one manifest, verified before it is loaded.

A point does not depend on the number of ranks or the ZeRO stage that saved it.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dstilts.checkpoints.shards import Fragment, ShardFile, fill, write_shard
from dstilts.core.config import build, to_table
from dstilts.core.digest import file_digest
from dstilts.core.disk import require_space
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.core.process_group import ProcessGroup

SCHEMA = 2
MANIFEST_FILE = "resume.json"
NUM_KEPT = 2


@dataclass(frozen=True)
class LoopState:
    """All that a run needs beside its shards: the rest follows from the configuration and step."""

    key: str  # of the model in the making
    seed: int  # of this attempt; a run that was started anew has another than its configuration
    step: int  # the next step to be taken
    updates: int  # what the optimizer counts: steps without those that fp16 left out
    fuse: int = 1  # micro-batches in one pass
    scaler: dict[str, float] = field(default_factory=dict)  # of the loss, in fp16
    hooks: dict[str, dict[str, float]] = field(default_factory=dict)  # what hooks remember, by name


@dataclass(frozen=True)
class ResumePoint:
    """A resume point on disk whose files are whole."""

    folder: Path
    state: LoopState
    files: tuple[str, ...]

    def load(self, fragments: Sequence[Fragment]) -> None:
        """Reads the state of `fragments` in place.

        Raises:
            RunError: the point lacks some of it.
        """
        fill(fragments, [self.folder / name for name in self.files])


@dataclass(frozen=True)
class _ResumeManifest:
    schema: int
    state: LoopState
    files: dict[str, ShardFile]


def save_resume(
    folder: Path,
    state: LoopState,
    fragments: Sequence[Fragment],
    group: ProcessGroup,
    *,
    kept: int = NUM_KEPT,
) -> Path:
    """Saves the run below `folder` (a collective) and keeps the last `kept` points.

    The manifest is written last, after every rank's shard is on the disk: a point without one does
    not count.

    Args:
        fragments: what this rank owns; all ranks' together are the whole state, each part once.

    Raises:
        OSError: on every rank alike, if a rank could not write: the disk is full, say. Nothing is
            left of the point, and older ones are untouched.
    """
    point = folder / f"step-{state.step:08d}"
    shard = point / f"rank-{group.rank:05d}.safetensors"
    if group.is_main:
        # What a killed run left under this name is no part of the new point.
        remove_point(point)
    group.barrier()
    written = group.gather(_attempt(shard, fragments, group.world_size))
    failure = next((part for part in written if isinstance(part, OSError)), None)
    if failure is None and group.is_main:
        files = {f"rank-{n:05d}.safetensors": part for n, part in enumerate(written)}
        failure = _finish(point, _ResumeManifest(SCHEMA, state, files), folder, kept)  # type: ignore[arg-type]
    failure = group.broadcast(failure)
    if failure is not None:
        if group.is_main:
            remove_point(point)
        raise failure
    return point


def find_resume(folder: Path, group: ProcessGroup) -> ResumePoint | None:
    """The newest point below `folder` whose files match their sizes and hashes (a collective)."""
    for point in group.broadcast(_points(folder) if group.is_main else []):
        found = group.broadcast(_read_point(point) if group.is_main else None)
        if found is not None and not group.any(not _is_whole(point, found, group)):
            return ResumePoint(point, found.state, tuple(found.files))
    return None


def check_resume(point: ResumePoint, key: str) -> None:
    """Compares a point with the run that wants to go on from it.

    Raises:
        UserError: the point belongs to another phase.
    """
    if point.state.key != key:
        raise UserError(
            "a resume point of another configuration",
            file=point.folder,
            remedy="remove it, or choose another output folder",
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


def _attempt(shard: Path, fragments: Sequence[Fragment], num_shards: int) -> ShardFile | OSError:
    size = sum(4 * len(fragment) * len(fragment.tensors) for fragment in fragments)
    try:
        shard.parent.mkdir(parents=True, exist_ok=True)
        require_space(shard.parent, num_shards * size)
        return write_shard(shard, fragments)
    except OSError as error:
        return error


def _finish(point: Path, manifest: _ResumeManifest, folder: Path, kept: int) -> OSError | None:
    try:
        write_json(point / MANIFEST_FILE, to_table(manifest))
    except OSError as error:
        return error
    for old in _points(folder)[kept:]:
        remove_point(old)
    return None


def _read_point(point: Path) -> _ResumeManifest | None:
    """The manifest of a point. A broken one is passed over, no error: an older one may do."""
    try:
        table = read_json(point / MANIFEST_FILE)
        manifest = build(_ResumeManifest, table, file=point / MANIFEST_FILE)
    except UserError:
        return None
    return manifest if manifest.schema == SCHEMA else None


def _is_whole(point: Path, manifest: _ResumeManifest, group: ProcessGroup) -> bool:
    """Whether this rank's share of the files is as the manifest says."""
    mine = sorted(manifest.files)[group.rank :: group.world_size]
    for name in mine:
        path = point / name
        # The size first: a file cut off by a kill is found without reading gigabytes.
        if not path.is_file() or path.stat().st_size != manifest.files[name].size:
            return False
    return all(file_digest(point / name) == manifest.files[name].sha256 for name in mine)
