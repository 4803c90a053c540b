"""From layouts to examples: which files of a folder a split takes, and the set made of them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import Example
from dstilts.tasks.layouts import LAYOUTS, OTHER_FILES, Files
from dstilts.tasks.layouts.files import Group
from dstilts.tasks.layouts.folder import DataFolder
from dstilts.tasks.layouts.names import filled
from dstilts.tasks.readers.rows import Read, rows_of

# What was read of files that serve several languages (pools of candidates), by file, size, time
# and reader: an evaluation asks for one language after the other.
_kept: dict[tuple[str, int, int, str], Sequence[Any]] = {}


@dataclass(frozen=True)
class Found:
    """A layout whose files are there.

    Attributes:
        groups: the files of each of its groups; empty where a group is missing and may be.
    """

    files: Files
    groups: tuple[tuple[Path, ...], ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files, each once."""
        return tuple(dict.fromkeys(path for group in self.groups for path in group))


def tops() -> set[str]:
    """The names of the folders that hold data sets."""
    patterns = [
        path
        for splits in LAYOUTS.values()
        for layouts in splits.values()
        for files in layouts
        for path in files.paths
    ]
    patterns += [other.group.pattern for others in OTHER_FILES.values() for other in others]
    return {pattern.partition("/")[0] for pattern in patterns}


def find(listing: DataFolder, spec: TaskSpec, split: str, language: str) -> Found | None:
    """The first layout of a split that counts and whose files are all there."""
    for files in LAYOUTS.get(spec.name, {}).get(split, ()):
        if found := at_hand(listing, files, language):
            return found
    return None


def at_hand(listing: DataFolder, files: Files, language: str) -> Found | None:
    """The files of a layout, if it counts and they are there."""
    if files.absent and listing.glob(filled(files.absent, language)):
        return None
    if files.needs and not listing.glob(filled(files.needs, language)):
        return None
    groups = tuple(listing.glob(filled(path, language)) for path in files.paths)
    if files.some:
        # A file that two patterns name is read once.
        groups = tuple(
            tuple(path for path in group if not any(path in other for other in groups[:number]))
            for number, group in enumerate(groups)
        )
    enough = any(groups) if files.some else all(groups)
    return Found(files, groups) if enough else None


def read_set(
    found: Found, spec: TaskSpec, language: str, shared: bool = False
) -> Sequence[Example]:
    """The examples of a language, before a part of them is taken.

    Args:
        shared: keep what is read of files that are the same in every language.

    Raises:
        UserError: a file is broken, or the files do not fit each other.
    """
    several = shared and len(spec.languages) > 1
    reads = [
        [read_file(path, group, spec, kept=several) for path in paths]
        for group, paths in zip(found.files.groups, found.groups, strict=True)
    ]
    return joined(found.files, reads, language)


def read_file(path: Path, group: Group, spec: TaskSpec, kept: bool = False) -> Read:
    """What a group's reader reads of a file.

    Args:
        kept: read the files of groups that are the same in every language once in a process.

    Raises:
        UserError: the file is broken.
    """
    if not kept or "{" in group.pattern:
        return Read(path, group.reader(path, spec))
    state = path.stat()
    key = (str(path), state.st_size, state.st_mtime_ns, f"{spec.name} {group.reader.__name__}")
    if key not in _kept:
        _kept[key] = group.reader(path, spec)
    return Read(path, _kept[key])


def joined(files: Files, reads: Sequence[Sequence[Read]], language: str) -> Sequence[Example]:
    """The examples of a language from what was read of each file, by group."""
    if files.join is not None:
        return files.join(reads, language)
    parts = [read for group in reads for read in group]
    if len(parts) == 1:
        return parts[0].rows
    # Ids of several files may be line numbers of each.
    return rows_of(
        [
            Read(part.path, [dataclasses.replace(e, id=f"{number}-{e.id}") for e in part.rows])
            for number, part in enumerate(parts)
        ]
    )
