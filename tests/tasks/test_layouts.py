"""The table of files: every task has its splits, and own splits leave nothing out."""

from pathlib import Path

from dstilts.tasks.catalog import TASKS
from dstilts.tasks.languages import LANGUAGES
from dstilts.tasks.layouts import LAYOUTS, OTHER_FILES, Files
from dstilts.tasks.layouts.folder import DataFolder
from dstilts.tasks.layouts.names import filled
from dstilts.tasks.source import SPLITS

ALL = [
    (name, split, files)
    for name, splits in LAYOUTS.items()
    for split, layouts in splits.items()
    for files in layouts
]


def test_every_task_has_what_the_catalog_promises() -> None:
    assert set(LAYOUTS) == {name for name, spec in TASKS.items() if not spec.parts}
    assert set(OTHER_FILES) <= set(LAYOUTS)
    for name, splits in LAYOUTS.items():
        spec = TASKS[name]
        assert set(splits) <= set(SPLITS)
        assert spec.eval_split in splits
        # The treebanks and PAN-X have training files; whether they train, the source decides.
        assert ("train" in splits) == (spec.train_task == name)


def test_own_splits_are_two_parts_of_the_same_files() -> None:
    parts: dict[tuple[str, ...], list[tuple[str, Files]]] = {}
    for _, split, files in ALL:
        if files.part is not None:
            parts.setdefault(files.paths, []).append((split, files))
    assert parts
    for found in parts.values():
        own = dict(found)
        parts_of = [own["train"].part, own["dev"].part]
        low, high = sorted((part.low, part.high) for part in parts_of if part is not None)
        assert (low[0], low[1], high[1]) == (0.0, high[0], 1.0)
        # Both go once the published training file is there.
        assert own["train"].absent == own["dev"].absent


def test_whatever_is_not_the_published_split_says_so() -> None:
    for name, split, files in ALL:
        derived = files.part is not None or any("subset" in path for path in files.paths)
        assert not derived or files.note, (name, split)


def test_a_file_of_one_layout_is_in_no_other_split() -> None:
    """A file that trains is never evaluated, but for own splits of it."""
    splits: dict[tuple[str, str], set[str]] = {}
    for name, split, files in ALL:
        if files.part is None and TASKS[name].protocol != "ranking":
            for path in files.paths:
                splits.setdefault((TASKS[name].name, path), set()).add(split)
    assert all(len(found) == 1 for found in splits.values())


def test_languages_are_an_axis() -> None:
    for name, split, files in ALL:
        if len(TASKS[name].languages) > 1 and split != "train":
            # Mentions in all languages stand in one file.
            assert name == "mewslix" or any("{" in path for path in files.paths), files.paths
        for path in files.paths:
            assert all("{" not in filled(path, code) for code in LANGUAGES)


def test_names_are_found_plain_packed_and_below_download(tmp_path: Path) -> None:
    for name in ("a/x.tsv", "a/x.tsv.gz", "a/b/y-1.tsv.gz", "a/b/y-2.tsv", "download/a/z.tsv.gz"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "download/a/x.tsv").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/v.tsv").touch()
    folder = DataFolder(tmp_path, ["a"])

    def names(pattern: str) -> list[str]:
        return [path.relative_to(tmp_path).as_posix() for path in folder.glob(pattern)]

    assert names("a/x.tsv") == ["a/x.tsv"]
    assert names("a/b/y-*.tsv") == ["a/b/y-1.tsv.gz", "a/b/y-2.tsv"]
    assert names("a/*.tsv") == ["a/x.tsv"]
    assert names("a/z.tsv") == ["download/a/z.tsv.gz"]
    assert names("a/*/y-2.tsv") == ["a/b/y-2.tsv"]
    assert names("other/v.tsv") == names("a/none") == []
