"""What a training set is made from, as a key of the content of files: no example is read."""

import functools
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from dstilts.core.cache import cache_folder
from dstilts.core.digest import file_digest, short_key
from dstilts.core.files import read_json, write_json
from dstilts.tasks.catalog import TASKS, task
from dstilts.tasks.local import LocalSource
from dstilts.tasks.phrasebook.source import PhrasebookSource
from dstilts.tasks.source import Source
from dstilts.tasks.transform.apply import TransformConfig

# A file may change again within one tick of the file system's clock without showing it.
_CLOCK_TICK = 2_000_000_000  # nanoseconds


def contents(source: Source, task_name: str, transform: TransformConfig) -> object | None:
    """All that the transformed training set of a task depends on, in canonical-JSON form.

    That is the training set, the evaluation sets whose texts are left out of it, and the files of
    the transformations. None: the source cannot tell without giving the examples (the hub).

    Args:
        task_name: of the training set.

    Raises:
        UserError: an unknown task.
    """
    names = _with_parts(task_name)
    if transform.few_shot is not None:
        names.add(transform.few_shot.task)
    match source:
        case PhrasebookSource():
            of_source: object = source.identity()
        case LocalSource():
            of_source = [source.name, *_splits(source, names)]
        case _:
            return None
    return {"source": of_source, "transform": list(_of_transform(transform, task_name))}


@functools.cache
def code_key() -> str:
    """A key of the code that makes examples of files: no change to it can be forgotten."""
    folder = Path(__file__).parent
    paths = sorted(folder.rglob("*.py"))
    return short_key([(path.relative_to(folder).as_posix(), file_digest(path)) for path in paths])


def _with_parts(name: str) -> set[str]:
    return {name}.union(*(_with_parts(part) for part in task(name).parts))


def _splits(source: LocalSource, names: set[str]) -> Iterator[object]:
    """Every split of the tasks, and of those that are trained on their training sets."""
    wanted = {s.name for s in TASKS.values() if s.name in names or s.train_task in names}
    found = [item for item in source.found() if item[0].name in wanted]
    paths = sorted({path for *_, place in found for path in place.paths})
    digests = dict(zip(paths, _digests(paths), strict=True))
    for spec, split, language, place in found:
        part = place.files.part
        layout = [place.files.paths, place.files.note, part and [part.low, part.high]]
        # Readers know a file by its name and that of its folder.
        files = [[(p.parent.name, p.name, digests[p]) for p in group] for group in place.groups]
        yield [spec.name, split, language, layout, files]


def _of_transform(transform: TransformConfig, task_name: str) -> Iterator[object]:
    """The files of the transformations; what is done with them their configuration tells."""
    switch, translations = transform.code_switch, transform.translations
    if switch is not None and switch.folder is None:
        yield PhrasebookSource().identity()
    elif switch is not None and switch.folder is not None:
        yield _tree(switch.folder)
    if translations is not None:
        yield _tree(translations.folder / task_name)


def _tree(folder: Path) -> list[tuple[str, str]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    return list(zip(names, _digests(paths), strict=True))


def _digests(paths: Iterable[Path]) -> list[str]:
    """The SHA-256 of each file.

    They are kept in the cache under the files' sizes and times, so that what has not been touched
    is not read again.
    """
    states = [(path, path.stat()) for path in paths]
    state = [(str(p.absolute()), s.st_size, s.st_mtime_ns, s.st_ctime_ns) for p, s in states]
    kept = cache_folder("contents", f"{short_key(state)}.json")
    if kept.exists():
        return list(read_json(kept)["digests"])
    digests = [file_digest(path) for path, _ in states]
    newest = max((max(s.st_mtime_ns, s.st_ctime_ns) for _, s in states), default=0)
    if newest < time.time_ns() - _CLOCK_TICK:
        write_json(kept, {"digests": digests})
    return digests
