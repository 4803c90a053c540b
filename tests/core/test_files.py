"""Atomic files and folders: whole or absent, whatever happens while they are written."""

import os
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.core.files import atomic_file, atomic_folder, read_json, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_an_error_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"x": 1})
    with pytest.raises(RuntimeError), atomic_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert read_json(path) == {"x": 1}
    assert names(tmp_path) == ["a.json"]


def test_an_error_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "model") as temporary:
        (temporary / "weights").write_text("half")
        raise RuntimeError
    assert names(tmp_path) == []


def test_the_second_writer_of_a_folder_yields(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with atomic_folder(tmp_path / "table") as temporary:
            (temporary / "sub").mkdir()
            (temporary / "sub" / "rows").write_text(text)
    assert (tmp_path / "table" / "sub" / "rows").read_text() == "first"
    assert names(tmp_path) == ["table"]


def test_files_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("content", "message"),
    [(b'{"a": [1,\n 2', r"a\.json:2: broken JSON"), (b"\xff\xfe", "not UTF-8 at byte 0")],
)
def test_broken_json_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_json(tmp_path / "a.json")


def test_not_finite_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", float("nan"))
    assert names(tmp_path) == []
