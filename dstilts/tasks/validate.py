"""Reads every file of a data folder that belongs to a task, and compares counts with the manifest.

Results are kept by the paths, sizes and times of the files and the text of the readers, so that a
second run reads only what has changed.
"""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dstilts.core.cache import cache_folder
from dstilts.core.digest import digest, file_digest, short_key
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.tasks.catalog import TaskSpec, task
from dstilts.tasks.examples import Example, SentenceExample
from dstilts.tasks.layouts.reading import joined, read_file
from dstilts.tasks.local import in_part
from dstilts.tasks.readers.rows import Read
from dstilts.tasks.validate_units import Unit, units


@dataclass(frozen=True)
class Checked:
    """What was found in the files of a unit.

    Attributes:
        rows: by file, the number of its examples.
        sizes: by split, the number of examples: questions where candidates come with them.
        errors: one line for each bad file.
    """

    rows: dict[str, int]
    sizes: dict[str, int]
    errors: list[str]


def validate(folder: Path, processes: int = 2) -> list[tuple[Unit, Checked]]:
    """Every unit of a folder with what was found in it, in the order of the catalog.

    Args:
        processes: how many read files at the same time.

    Raises:
        UserError: there is no such folder.
    """
    if not folder.is_dir():
        raise UserError("no such data folder", file=folder, remedy="give the folder of data sets")
    found = list(units(folder))
    store = cache_folder("validate", f"{short_key(str(folder.resolve()))}.json")
    known = _stored(store)
    keys = [_key(unit, folder) for unit in found]
    todo = [unit for unit, key in zip(found, keys, strict=True) if key not in known]
    fresh = dict(zip(map(id, todo), _checked(todo, folder, processes), strict=True))
    results = {
        key: fresh[id(unit)] if id(unit) in fresh else known[key]
        for unit, key in zip(found, keys, strict=True)
    }
    if todo or len(known) != len(results):
        write_json(store, {key: asdict(result) for key, result in results.items()})
    return [(unit, results[key]) for unit, key in zip(found, keys, strict=True)]


def check(unit: Unit, folder: Path) -> Checked:
    """Reads the files of a unit one by one and, if all of them are good, makes its sets of them."""
    spec = task(unit.task)
    rows: dict[str, int] = {}
    errors: list[str] = []
    reads: list[list[Read]] = []
    for group, paths in zip(unit.found.files.groups, unit.found.groups, strict=True):
        reads.append([])
        for path in paths:
            try:
                read = read_file(path, group, spec, kept=unit.several)
            except UserError as error:
                errors.append(str(error))
                continue
            reads[-1].append(read)
            if group.counted:
                rows[path.relative_to(folder).as_posix()] = len(read.rows)
    sizes: dict[str, int] = {}
    if not errors and unit.splits:
        try:
            sizes = dict(_sizes(unit, reads, spec))
        except UserError as error:
            errors.append(str(error))
    return Checked(rows, sizes, sorted(set(errors)))


def size_of(examples: Sequence[Example]) -> int:
    """The number of examples of a set: of questions or sentences, not of what they match."""
    if examples and isinstance(examples[0], SentenceExample):
        return sum(isinstance(e, SentenceExample) and e.side == "source" for e in examples)
    return len(examples)


@cache
def reader_version() -> str:
    """A key of the text of all readers and layouts: another one, and every file is read again."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("readers/*.py")), *sorted(here.glob("layouts/*.py"))]
    rest = [here / name for name in ("validate.py", "validate_units.py", "local.py")]
    catalog = [here / f"{name}_tasks.py" for name in ("intermediate", "target")]
    return digest([file_digest(file) for file in (*files, *rest, *catalog)])


def _sizes(
    unit: Unit, reads: Sequence[Sequence[Read]], spec: TaskSpec
) -> Iterator[tuple[str, int]]:
    examples = joined(unit.found.files, reads, unit.language)
    for use in unit.splits:
        size = size_of(examples if use.part is None else in_part(examples, use.part))
        if not size:
            problem = f"no examples of {spec.name} ({use.split}, {unit.language})"
            raise UserError(problem, file=unit.found.paths[0])
        yield use.split, size


def _checked(todo: Sequence[Unit], folder: Path, processes: int) -> list[Checked]:
    if processes < 2 or len(todo) < 2:
        return [check(unit, folder) for unit in todo]
    # The largest first, so that none is left over at the end.
    order = sorted(range(len(todo)), key=lambda index: -todo[index].size)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        futures = {index: pool.submit(check, todo[index], folder) for index in order}
        return [futures[index].result() for index in range(len(todo))]


def _key(unit: Unit, folder: Path) -> str:
    state = [
        (str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns)
        for path in unit.found.paths
    ]
    splits = [(use.split, use.part) for use in unit.splits]
    readers = [group.reader.__name__ for group in unit.found.files.groups]
    return short_key([reader_version(), unit.task, unit.language, splits, readers, state])


def _stored(store: Path) -> dict[str, Checked]:
    """The results of the last run; none where there was none or its file is damaged."""
    try:
        content: Any = read_json(store)
        return {key: Checked(**value) for key, value in content.items()}
    except (UserError, AttributeError, TypeError):
        return {}
