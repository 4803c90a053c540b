"""The names of the files: `<task>/test-<language>.<suffix>`, whatever the split is."""

from collections.abc import Mapping
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TaskSpec

# By protocol or kind, the official suffix first. XCOPA's is that of the data set itself. The
# official script reads no LAReQA: its files are made as Mewsli-X's.
_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "pair": ("tsv",),
    "choice": ("jsonl", "tsv"),
    "tagging": ("tsv",),
    "span": ("json",),
    "nearest": ("tsv",),
    "mining": ("tsv",),
    "ranking": ("json",),
}


def file_name(spec: TaskSpec, language: str) -> str:
    """The name of a file that is written."""
    return _file_names(spec, language)[0]


def file_in(folder: Path, spec: TaskSpec, language: str) -> Path | None:
    """The file of a language, if it is there."""
    paths = (folder / name for name in _file_names(spec, language))
    return next((path for path in paths if path.is_file()), None)


def languages_in(folder: Path, spec: TaskSpec) -> dict[str, Path]:
    """The files of a task by language, in alphabetical order; hidden files are left out.

    Raises:
        UserError: a file is not named as the layout says, its language is none of the task's, or
            has two files.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        language = path.name.partition(".")[0].removeprefix("test-")
        if path.name not in _file_names(spec, language):
            expected = file_name(spec, "LANGUAGE")
            raise UserError(
                "not a file of the layout",
                file=path,
                remedy=f"name it {expected}, or take it out of the folder",
            )
        if language not in spec.languages:
            raise UserError(
                f"{language!r} is no language of {spec.name}",
                file=path,
                remedy=f"it has: {' '.join(spec.languages)}",
            )
        if language in found:
            raise UserError(
                f"{found[language].name} is there as well", file=path, remedy="take one of them out"
            )
        found[language] = path
    return found


def _file_names(spec: TaskSpec, language: str) -> tuple[str, ...]:
    suffixes = _SUFFIXES[spec.protocol or spec.kind]
    return tuple(f"test-{language}.{suffix}" for suffix in suffixes)
