"""Tiles are measured once per device and width, and remembered; the back end is optional."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from dstilts_kernels.topk import triton_backend, triton_tiles
from dstilts_kernels.topk.triton_tiles import (
    HALF_TILES,
    SINGLE_TILES,
    Tile,
    fastest_tile,
    width_bucket,
)


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(triton_tiles, "_KNOWN", {})
    return


def never(tile: Tile) -> float:
    raise AssertionError(f"{tile} was measured again")


def seconds(tile: Tile) -> float:
    return float("inf") if tile.columns == 256 else 1 / tile.stages


def test_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    best = fastest_tile("device 64", HALF_TILES, seconds)
    assert best == Tile(128, 128, 64, warps=8, stages=4)
    assert fastest_tile("device 64", HALF_TILES, never) == best
    with pytest.raises(AssertionError, match="measured again"):
        fastest_tile("device 128", HALF_TILES, never)
    # Another process: it knows what is on disk.
    monkeypatch.setattr(triton_tiles, "_KNOWN", {})
    assert fastest_tile("device 64", HALF_TILES, never) == best


@pytest.mark.parametrize("text", ["", "[]", '{"device 64": {"rows": 1}}', '{"device 64": 3}'])
def test_a_broken_cache_is_measured_anew(text: str) -> None:
    triton_tiles.cache_file().parent.mkdir()
    triton_tiles.cache_file().write_text(text)
    assert fastest_tile("device 64", HALF_TILES, seconds).columns == 128
    assert "device 64" in triton_tiles.cache_file().read_text()


def test_an_unwritable_cache_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "file" / "cache"))
    best = fastest_tile("device 64", HALF_TILES, seconds)
    assert fastest_tile("device 64", HALF_TILES, never) == best


def test_tiles_fit_an_h200_and_the_last_one_fits_small_devices() -> None:
    assert all(tile.shared_bytes(2) <= 227 * 1024 for tile in HALF_TILES)
    assert all(tile.shared_bytes(4) <= 99 * 1024 for tile in SINGLE_TILES)
    assert HALF_TILES[-1].shared_bytes(2) <= 99 * 1024


def test_width_buckets() -> None:
    assert [width_bucket(width) for width in (1, 64, 65, 384, 1024, 1025)] == [
        64, 64, 128, 512, 1024, 2048,
    ]  # fmt: skip


def test_back_end_needs_triton_and_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    found = triton_backend.backend()
    assert found is not None
    assert (found.name, found.precisions[0]) == ("triton", "fp16")
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert triton_backend.backend() is None
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert triton_backend.backend() is None
