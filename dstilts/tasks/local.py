"""The source `local`: a folder of data sets in their upstream layouts, plain or .gz."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS, TaskSpec, task
from dstilts.tasks.examples import Example, ExampleSet, PairExample
from dstilts.tasks.languages import LANGUAGES
from dstilts.tasks.layouts import LAYOUTS, Files, Part
from dstilts.tasks.readers.parallel import read_parallel
from dstilts.tasks.readers.spans import squad_titles
from dstilts.tasks.source import SPLITS


class LocalSource:
    """Reads data sets below one folder; see `layouts` for the names that are looked for."""

    name = "local"

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UserError(
                "no such data folder", file=folder, remedy="give the folder of the data sets"
            )
        self._folder = folder

    def tasks(self) -> tuple[str, ...]:
        """The tasks for which at least one file is there."""
        return tuple(name for name in TASKS if any(self.languages(name, split) for split in SPLITS))

    def languages(self, task_name: str, split: str) -> tuple[str, ...]:
        """The languages of a split that are there. Training is on English: `train` has no other."""
        spec = task(task_name)
        candidates = ("en",) if split == "train" else spec.languages
        return tuple(code for code in candidates if self._find(spec, split, code) is not None)

    def load(self, task_name: str, split: str, language: str) -> ExampleSet:
        """The examples of one task, split and language.

        Raises:
            UserError: the files are not there (the message says which), or one of them is broken.
        """
        spec = task(task_name)
        found = self._find(spec, split, language)
        if found is None:
            raise self._missing(spec, split, language)
        files, paths = found
        examples = _read(files, paths, spec)
        if not examples:
            raise UserError(f"no examples of {task_name} ({split}, {language})", file=paths[0])
        return ExampleSet(
            task=task_name,
            split=split,
            language=language,
            source=self.name,
            examples=tuple(examples),
            subset=files.note,
            files=tuple(str(path.relative_to(self._folder)) for path in paths),
        )

    def identity(self) -> dict[str, object]:
        """The folder, and a key of the names, sizes and times of its files."""
        files = sorted(path for path in self._folder.rglob("*") if path.is_file())
        state = [
            (str(path.relative_to(self._folder)), path.stat().st_size, path.stat().st_mtime_ns)
            for path in files
        ]
        return {"name": self.name, "folder": self._folder.name, "state": short_key(state)}

    def _find(
        self, spec: TaskSpec, split: str, language: str
    ) -> tuple[Files, tuple[Path, ...]] | None:
        """The first layout of a split whose files are all there, with these files."""
        for files in LAYOUTS.get(spec.name, {}).get(split, ()):
            if files.absent is not None and self._glob(files.absent):
                continue
            groups = [self._glob(_filled(path, language)) for path in files.paths]
            if all(groups):
                return files, tuple(path for group in groups for path in group)
        return None

    def _glob(self, pattern: str) -> list[Path]:
        """The files of a pattern in the order of their names, each plain or as .gz."""
        plain = {path.name: path for path in sorted(self._folder.glob(pattern))}
        packed = {
            path.name.removesuffix(".gz"): path for path in self._folder.glob(f"{pattern}.gz")
        }
        found = {**packed, **plain}
        return [found[name] for name in sorted(found)]

    def _missing(self, spec: TaskSpec, split: str, language: str) -> UserError:
        layouts = LAYOUTS.get(spec.name, {}).get(split)
        if not layouts:
            splits = ", ".join(LAYOUTS.get(spec.name, {}))
            return UserError(f"{spec.name} has no split {split!r}", remedy=f"it has: {splits}")
        names = [" and ".join(_filled(path, language) for path in files.paths) for files in layouts]
        return UserError(
            f"no {split} split of {spec.name} in {LANGUAGES[language].name}",
            file=self._folder,
            remedy=f"looked for {', or '.join(names)} (plain or .gz)",
        )


def _filled(path: str, language: str) -> str:
    return path.format(lang=language, iso3=LANGUAGES[language].iso3)


def _read(files: Files, paths: tuple[Path, ...], spec: TaskSpec) -> list[Example]:
    if files.reader is None:
        return list(read_parallel(*paths))
    examples: list[Example] = []
    for number, path in enumerate(paths):
        read = files.reader(path, spec)
        if files.part is not None:
            read = _part(read, path, files.part)
        # Ids of several files may be line numbers of each.
        examples += [_renamed(example, number) for example in read] if len(paths) > 1 else read
    return examples


def _renamed(example: Example, number: int) -> Example:
    return dataclasses.replace(example, id=f"{number}-{example.id}")


def _part(examples: Sequence[Example], path: Path, part: Part) -> list[Example]:
    titles = squad_titles(path) if part.group == "article" else {}
    kept = []
    for example in examples:
        group = example.text_a if isinstance(example, PairExample) else titles[example.id]
        if part.low <= _place(group) < part.high:
            kept.append(example)
    return kept


def _place(group: str) -> float:
    """A number in [0, 1) from the hash of a group's name: the same wherever it is computed."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) / 2**64
