"""What a layout says of a split: its files, their readers, and how a set is made of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.examples import Example
from dstilts.tasks.readers.rows import Read

Reader = Callable[[Path, TaskSpec], Sequence[Any]]
Join = Callable[[Sequence[Sequence[Read]], str], Sequence[Example]]


@dataclass(frozen=True)
class Part:
    """A fixed share of a set, chosen by the hash of what must stay together (`local.group_of`)."""

    low: float
    high: float


@dataclass(frozen=True)
class Group:
    """The files of a pattern, which one reader reads.

    Attributes:
        pattern: a name below the data folder or its folder `download`, with the placeholders of
            `names` for the language and * for any text; looked for plain and with .gz.
        counted: its rows are the examples that a file has; not so where another group reads the
            same files for those.
    """

    pattern: str
    reader: Reader
    counted: bool = True


@dataclass(frozen=True)
class Files:
    """The files of one split in one layout.

    Attributes:
        groups: all have to be there; the files of a pattern with * are in the order of their names.
        join: makes the set of a language from what was read, by group and file; None: the rows are
            examples, in the order of the files.
        part: the share of the examples that this split takes; None: all.
        absent: the layout only counts where this file is not there.
        needs: the layout only counts where this file is there.
        note: what the split is instead of the published one; None: it is the published one.
        some: one group that is there is enough.
    """

    groups: tuple[Group, ...]
    join: Join | None = None
    part: Part | None = None
    absent: str | None = None
    needs: str | None = None
    note: str | None = None
    some: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The patterns of the files."""
        return tuple(group.pattern for group in self.groups)


@dataclass(frozen=True)
class Others:
    """Files of a data set that a task's reader reads but no split of the catalog takes.

    Attributes:
        why: no split takes them.
    """

    group: Group
    why: str


Splits = dict[str, tuple[Files, ...]]


def whole(pattern: str, reader: Reader, note: str | None = None) -> Files:
    """A split that is all of a file, or of the files of a pattern."""
    return Files((Group(pattern, reader),), note=note)


def own_splits(
    patterns: Sequence[str],
    reader: Reader,
    absent: str,
    note: str,
    join: Join | None = None,
    others: Sequence[Group] = (),
) -> dict[str, Files]:
    """An own train (90 %) and dev (10 %) split of files, for want of the published train file.

    Args:
        absent: the published train file.
        note: which files they are parts of, and what is hashed.
        others: files that `join` needs as well.
    """
    groups = (*(Group(pattern, reader) for pattern in patterns), *others)
    return {
        split: Files(groups, join, Part(low, high), absent, note=f"own split: {share} of {note}")
        for split, low, high, share in (("train", 0.0, 0.9, "90 %"), ("dev", 0.9, 1.0, "10 %"))
    }
