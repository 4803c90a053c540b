"""The units of a data folder that are checked together: the files of a split, or a lone file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dstilts.tasks.catalog import TASKS, TaskSpec
from dstilts.tasks.languages import LANGUAGES
from dstilts.tasks.layouts import LAYOUTS, OTHER_FILES, Files, Group, Part
from dstilts.tasks.layouts.folder import DataFolder
from dstilts.tasks.layouts.names import filled
from dstilts.tasks.layouts.reading import Found, find, tops
from dstilts.tasks.source import SPLITS


@dataclass(frozen=True)
class Use:
    """A split that files stand for.

    Attributes:
        part: of the set, that the split takes.
        note: what it is instead of the published split.
        used: it is these files that the source takes for the split.
    """

    split: str
    part: Part | None
    note: str
    used: bool


@dataclass(frozen=True)
class Unit:
    """Files that are read together.

    Attributes:
        language: that the set is of; empty for a lone file.
        splits: that may be made of the files; () for a lone file.
        several: the task has other languages that share some of the files.
        why: no split takes the files; empty where one may.
    """

    task: str
    language: str
    found: Found
    splits: tuple[Use, ...] = ()
    several: bool = False
    why: str = ""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.found.paths)


def units(folder: Path) -> Iterator[Unit]:
    """All files of a folder that belong to a task, each in at least one unit."""
    listing = DataFolder(folder, tops())
    for spec in TASKS.values():
        taken: set[Path] = set()
        alone: dict[Path, Unit] = {}
        for unit in _of_splits(listing, spec):
            if unit.splits:
                taken.update(unit.found.paths)
                yield unit
            else:
                alone.update(dict.fromkeys(unit.found.paths, unit))
        for other in OTHER_FILES.get(spec.name, ()):
            for path in listing.glob(other.group.pattern):
                alone.setdefault(path, _alone(spec, path, other.group, other.why))
        yield from (unit for path, unit in alone.items() if path not in taken)


def unknown_files(folder: Path) -> list[str]:
    """The files in the folders of data sets that no task reads, below the data folder."""
    listing = DataFolder(folder, tops())
    known = {path for unit in units(folder) for path in unit.found.paths}
    return [path.relative_to(folder).as_posix() for path in listing.files if path not in known]


def _of_splits(listing: DataFolder, spec: TaskSpec) -> Iterator[Unit]:
    whole: dict[tuple[object, ...], Unit] = {}
    for split in SPLITS:
        english = split == "train" and spec.kind != "mlm"
        for language in ("en",) if english else spec.languages:
            chosen = find(listing, spec, split, language)
            for files in LAYOUTS.get(spec.name, {}).get(split, ()):
                groups = tuple(listing.glob(filled(path, language)) for path in files.paths)
                if not (any(groups) if files.some else all(groups)):
                    yield from _in_part(spec, language, files, groups)
                    continue
                used = chosen is not None and chosen.files is files
                found = chosen if chosen and used else Found(files, groups)
                use = Use(split, files.part, files.note or "", used)
                several = len(spec.languages) > 1 and split != "train"
                key = (language, found.groups, files.join, tuple(g.reader for g in files.groups))
                unit = whole.get(key) or Unit(spec.name, language, found, (), several)
                # Of layouts with the same files only the one that is used counts for a split.
                others = tuple(u for u in unit.splits if u.split != split or u.used)
                if used or not any(other.split == split for other in others):
                    whole[key] = replace(unit, splits=(*others, use))
    yield from whole.values()


def _in_part(
    spec: TaskSpec, language: str, files: Files, groups: tuple[tuple[Path, ...], ...]
) -> Iterator[Unit]:
    """The lone files of a layout of which others are missing."""
    missing = [
        filled(path, language) for path, found in zip(files.paths, groups, strict=True) if not found
    ]
    # What is missing is said by a name, not by twenty.
    why = f"no set without {missing[0]} ({LANGUAGES[language].name})"
    for group, paths in zip(files.groups, groups, strict=True):
        if "{" in group.pattern or files.join is None:
            yield from (_alone(spec, path, group, why) for path in paths)


def _alone(spec: TaskSpec, path: Path, group: Group, why: str) -> Unit:
    return Unit(spec.name, "", Found(Files((group,)), ((path,),)), why=why)
