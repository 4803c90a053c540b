"""Cached folders: built by one, checked by all, whole or absent."""

import multiprocessing
from pathlib import Path

import pytest

from dstilts.core import built_once as module
from dstilts.core.built_once import built_once, verify
from dstilts.core.errors import UserError


@pytest.fixture
def small_folder(tmp_path: Path) -> Path:
    return built_once(tmp_path / "cache" / "folder", _build)


def test_a_folder_is_built_once(small_folder: Path) -> None:
    def never(folder: Path) -> None:
        raise AssertionError("built again")

    assert built_once(small_folder, never) == small_folder


@pytest.mark.parametrize("damage", ["cut", "changed", "removed", "record"])
def test_damage_is_found(small_folder: Path, damage: str) -> None:
    file = small_folder / ("contents.json" if damage == "record" else "model.safetensors")
    content = file.read_bytes()
    if damage == "changed":
        file.write_bytes(content[:-1] + b"?")
    elif damage == "removed":
        file.unlink()
    else:
        file.write_bytes(content[:-1] if damage == "cut" else content[:20])
    with pytest.raises(UserError, match=f"{file.name}.*delete the folder"):
        built_once(small_folder, _build)


def test_a_large_file_is_hashed_only_on_request(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALWAYS_HASHED", 3)
    (small_folder / "model.safetensors").write_bytes(b"WEIGHTS")
    built_once(small_folder, _build)
    with pytest.raises(UserError, match="content has changed"):
        verify(small_folder)


def test_a_failed_build_leaves_no_folder(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        _build(folder)
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        built_once(tmp_path / "folder", fail)
    assert [p.name for p in tmp_path.iterdir()] == [".folder.lock"]


def test_processes_that_start_together_build_one_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ranks = [context.Process(target=_rank, args=(tmp_path, i)) for i in range(4)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    assert [rank.exitcode for rank in ranks] == [0] * 4
    assert len(list(tmp_path.glob("built-*"))) == 1
    assert list(tmp_path.glob(".*.tmp")) == []


def _build(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"weights")


def _rank(base: Path, rank: int) -> None:
    def build(folder: Path) -> None:
        (base / f"built-{rank}").touch()
        _build(folder)

    built_once(base / "folder", build)
