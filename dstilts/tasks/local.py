"""The source `local`: a folder of data sets in their upstream layouts, plain or .gz."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS, TaskSpec, task
from dstilts.tasks.examples import (
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SpanExample,
    TextExample,
)
from dstilts.tasks.languages import LANGUAGES
from dstilts.tasks.layouts import LAYOUTS, Files, Part
from dstilts.tasks.layouts.folder import DataFolder
from dstilts.tasks.layouts.names import filled
from dstilts.tasks.layouts.reading import Found, find, read_set, tops
from dstilts.tasks.readers.checks import is_unlabelled
from dstilts.tasks.source import SPLITS

_NO_LABELS = "published without labels"


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
        listing = self._listing()
        return tuple(
            name
            for name, spec in TASKS.items()
            if any(_languages(listing, spec, split) for split in SPLITS)
        )

    def languages(self, task_name: str, split: str) -> tuple[str, ...]:
        """The languages of a split that are there. Training is on English, but for raw text."""
        return _languages(self._listing(), task(task_name), split)

    def load(self, task_name: str, split: str, language: str) -> ExampleSet:
        """The examples of one task, split and language.

        The test set of a mining task brings its dev set for calibration, where that is there.

        Raises:
            UserError: the files are not there (the message says which), or one of them is broken.
        """
        spec = task(task_name)
        listing = self._listing()
        found = find(listing, spec, split, language)
        if found is None:
            raise self._missing(spec, split, language)
        examples = self._examples(found, spec, split, language)
        calibration: Sequence[Example] = ()
        if spec.protocol == "mining" and split == "test":
            sample = find(listing, spec, "dev", language)
            calibration = self._examples(sample, spec, "dev", language) if sample else ()
        note = found.files.note
        if is_unlabelled(examples[0]):
            note = f"{note}; {_NO_LABELS}" if note else _NO_LABELS
        return ExampleSet(
            task=task_name,
            split=split,
            language=language,
            source=self.name,
            examples=tuple(examples),
            subset=note,
            files=tuple(str(path.relative_to(self._folder)) for path in found.paths),
            calibration=tuple(calibration),
        )

    def identity(self) -> dict[str, object]:
        """The folder, and a key of the names, sizes and times of the files that tasks take."""
        paths = {path for _, _, _, found in self.found() for path in found.paths}
        state = [
            (
                path.relative_to(self._folder).as_posix(),
                path.stat().st_size,
                path.stat().st_mtime_ns,
            )
            for path in sorted(paths)
        ]
        return {"name": self.name, "folder": self._folder.name, "state": short_key(state)}

    def found(self) -> Iterator[tuple[TaskSpec, str, str, Found]]:
        """Every split of every task and language that is there, with its files."""
        listing = self._listing()
        for spec in TASKS.values():
            for split in SPLITS:
                for language in _candidates(spec, split):
                    if found := find(listing, spec, split, language):
                        yield spec, split, language, found

    def _listing(self) -> DataFolder:
        return DataFolder(self._folder, tops())

    def _examples(
        self, found: Found, spec: TaskSpec, split: str, language: str
    ) -> Sequence[Example]:
        examples = read_set(found, spec, language, shared=split != "train")
        if found.files.part is not None:
            examples = in_part(examples, found.files.part)
        if not examples:
            problem = f"no examples of {spec.name} ({split}, {language})"
            raise UserError(problem, file=found.paths[0])
        return examples

    def _missing(self, spec: TaskSpec, split: str, language: str) -> UserError:
        layouts = LAYOUTS.get(spec.name, {}).get(split)
        if spec.parts:
            return UserError(f"{spec.name} has no files", remedy=f"read {', '.join(spec.parts)}")
        if not layouts:
            splits = ", ".join(LAYOUTS.get(spec.name, {}))
            return UserError(f"{spec.name} has no split {split!r}", remedy=f"it has: {splits}")
        names = [_names(files, language) for files in layouts]
        return UserError(
            f"no {split} split of {spec.name} in {LANGUAGES[language].name}",
            file=self._folder,
            remedy=f"looked for {', '.join(names)} (plain or .gz, also below download)",
        )


def _candidates(spec: TaskSpec, split: str) -> tuple[str, ...]:
    return ("en",) if split == "train" and spec.kind != "mlm" else spec.languages


def _languages(listing: DataFolder, spec: TaskSpec, split: str) -> tuple[str, ...]:
    return tuple(code for code in _candidates(spec, split) if find(listing, spec, split, code))


def _names(files: Files, language: str) -> str:
    """The files of a layout for a message, of many the first and the last."""
    names = [filled(path, language) for path in files.paths]
    names = names if len(names) < 4 else [names[0], "...", names[-1]]
    return (" or " if files.some else " and ").join(names)


def in_part(examples: Sequence[Example], part: Part) -> list[Example]:
    """The examples of a part: the same ones wherever this is computed."""
    return [example for example in examples if part.low <= _place(group_of(example)) < part.high]


def group_of(example: Example) -> str:
    """What keeps related examples together: premise, context, article, or the text itself."""
    match example:
        case PairExample():
            return example.text_a
        case ChoiceExample():
            return example.context or example.question
        case SpanExample():
            return example.domain or example.context
        case TextExample():
            return example.text
    return example.id


def _place(group: str) -> float:
    """A number in [0, 1) from the hash of a group's name."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) / 2**64
