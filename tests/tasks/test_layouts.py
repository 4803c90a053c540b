"""The table of files: every task has its splits, and own splits leave nothing out."""

from dstilts.tasks.catalog import TASKS
from dstilts.tasks.layouts import LAYOUTS, Files
from dstilts.tasks.source import SPLITS

ALL = [
    (name, split, files)
    for name, splits in LAYOUTS.items()
    for split, layouts in splits.items()
    for files in layouts
]


def test_every_task_has_what_the_catalog_promises() -> None:
    assert set(LAYOUTS) == set(TASKS)
    for name, spec in TASKS.items():
        assert set(LAYOUTS[name]) <= set(SPLITS)
        assert spec.eval_split in LAYOUTS[name]
        assert ("train" in LAYOUTS[name]) == (spec.train_task == name)


def test_own_splits_are_two_parts_of_the_same_files() -> None:
    parts: dict[tuple[str, ...], list[tuple[str, Files]]] = {}
    for _, split, files in ALL:
        if files.part is not None:
            parts.setdefault(files.paths, []).append((split, files))
    assert parts
    for found in parts.values():
        own = dict(found)
        train, dev = own["train"], own["dev"]
        assert train.part is not None
        assert dev.part is not None
        assert (train.part.low, train.part.high, dev.part.high) == (0.0, dev.part.low, 1.0)
        assert train.part.group == dev.part.group
        # Both go once the published training file is there.
        assert train.absent == dev.absent is not None


def test_whatever_is_not_the_published_split_says_so() -> None:
    for name, split, files in ALL:
        derived = files.part is not None or any("subset" in path for path in files.paths)
        assert not derived or files.note, (name, split)


def test_a_file_of_one_layout_is_in_no_other_split() -> None:
    """A file that trains is never evaluated, but for own splits of it."""
    splits: dict[str, set[str]] = {}
    for _, split, files in ALL:
        if files.part is None:
            for path in files.paths:
                splits.setdefault(path, set()).add(split)
    assert all(len(found) == 1 for found in splits.values())


def test_languages_are_an_axis() -> None:
    for name, _, files in ALL:
        if len(TASKS[name].languages) > 1:
            assert all("{lang}" in path or "{iso3}" in path for path in files.paths)
