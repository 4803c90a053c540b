"""MANIFEST.csv of a data folder: which files it holds and how many examples each has."""

from dataclasses import dataclass
from pathlib import Path

from dstilts.core.errors import UserError
from dstilts.tasks.readers.columns import read_csv

NAME = "MANIFEST.csv"

_COLUMNS = ("dataset", "split", "language", "path", "examples")


@dataclass(frozen=True)
class ManifestRow:
    """A file or folder of the manifest.

    Attributes:
        line: where it stands in the manifest.
        path: below the data folder.
    """

    line: int
    dataset: str
    split: str
    language: str
    path: str
    examples: int


def read_manifest(folder: Path) -> list[ManifestRow]:
    """The rows of a folder's manifest; none where it has no manifest.

    Raises:
        UserError: see `read_csv`; a number of examples that is none, a file that stands twice.
    """
    path = folder / NAME
    if not path.is_file():
        return []
    rows = []
    seen: set[str] = set()
    for line, (dataset, split, language, name, examples) in read_csv(path, _COLUMNS):
        if not examples.isdecimal():
            raise UserError(f"{examples!r:.40} is no number of examples", file=path, line=line)
        if name in seen:
            raise UserError(f"{name!r:.200} stands twice", file=path, line=line)
        seen.add(name)
        rows.append(ManifestRow(line, dataset, split, language, name, int(examples)))
    return rows
