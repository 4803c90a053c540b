"""The files of a data folder, found by pattern."""

import bisect
import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

# Where XTREME's scripts put their data.
DOWNLOAD = "download/"


class DataFolder:
    """A listing of the folders that hold data sets, taken once.

    Args:
        tops: the names of the folders that are looked into, here and below `DOWNLOAD`.
    """

    def __init__(self, folder: Path, tops: Iterable[str]) -> None:
        self._files: dict[str, Path] = {}
        for top in sorted(tops):
            for base in ("", DOWNLOAD):
                self._list(folder, f"{base}{top}")
        self._names = sorted(self._files)

    @property
    def files(self) -> list[Path]:
        """All files, in the order of their names."""
        return [self._files[name] for name in self._names]

    def glob(self, pattern: str) -> tuple[Path, ...]:
        """The files of a pattern, in which * is any text, in the order of their names.

        Each is named plain and may be there plain or as .gz, plain first. Files below `DOWNLOAD`
        are looked for where there are no others.
        """
        return self._below("", pattern) or self._below(DOWNLOAD, pattern)

    def _below(self, base: str, pattern: str) -> tuple[Path, ...]:
        if "*" not in pattern:
            path = self._files.get(base + pattern)
            return (path,) if path else ()
        known = _compiled(pattern)
        prefix = base + pattern.partition("*")[0]
        found = []
        for name in self._names[bisect.bisect_left(self._names, prefix) :]:
            if not name.startswith(prefix):
                break
            if known.fullmatch(name, len(base)):
                found.append(self._files[name])
        return tuple(found)

    def _list(self, folder: Path, top: str) -> None:
        for parent, _, names in os.walk(folder / top, followlinks=True):
            base = Path(parent).relative_to(folder).as_posix()
            # Sorted, a plain name comes before the same with .gz.
            for name in sorted(names):
                self._files.setdefault(f"{base}/{name.removesuffix('.gz')}", Path(parent, name))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("[^/]*".join(map(re.escape, pattern.split("*"))))
