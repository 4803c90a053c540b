"""Shards: what some ranks write, any others read back; a part that is nowhere is noticed."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from dstilts.checkpoints.shards import KINDS, Fragment, fill, write_shard
from dstilts.core.digest import file_digest
from dstilts.core.errors import RunError

SIZES = {"a.weight": 13, "b/c": 1, "d": 6}


def whole() -> list[Fragment]:
    return [
        Fragment(name, 0, {kind: torch.randn(size) for kind in KINDS})
        for name, size in SIZES.items()
    ]


def empty(fragments: list[Fragment]) -> list[Fragment]:
    return [
        Fragment(f.name, f.start, {kind: torch.full_like(t, -1) for kind, t in f.tensors.items()})
        for f in fragments
    ]


def cut(fragments: list[Fragment], places: list[int]) -> list[list[Fragment]]:
    """The fragments of len(places) + 1 ranks that share every parameter at some places."""
    ranks: list[list[Fragment]] = [[] for _ in range(len(places) + 1)]
    for fragment in fragments:
        edges = [0, *sorted(place % (len(fragment) + 1) for place in places), len(fragment)]
        for rank, (low, high) in enumerate(pairwise(edges)):
            if low < high:
                ranks[rank].append(fragment.part(low, high))
    return ranks


def test_it_is_a_safetensors_file(tmp_path: Path) -> None:
    fragments = whole()
    path = tmp_path / "shard"
    facts = write_shard(path, [fragments[0].part(3, 9), fragments[2]])
    assert (facts.size, facts.sha256) == (path.stat().st_size, file_digest(path))
    tensors = load_file(path)
    assert set(tensors) == {f"{kind}/{place}" for kind in KINDS for place in ("3/a.weight", "0/d")}
    assert torch.equal(tensors["master/3/a.weight"], fragments[0].tensors["master"][3:9])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 99), max_size=4), st.lists(st.integers(0, 99), max_size=4))
def test_any_ranks_read_what_any_ranks_wrote(
    tmp_path_factory: pytest.TempPathFactory, writers: list[int], readers: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    fragments = whole()
    paths = []
    for rank, owned in enumerate(cut(fragments, writers)):
        paths.append(folder / str(rank))
        write_shard(paths[-1], owned)
    filled = empty(fragments)
    for owned in cut(filled, readers):
        fill(owned, paths)
    for one, other in zip(fragments, filled, strict=True):
        for kind in KINDS:
            assert torch.equal(one.tensors[kind], other.tensors[kind])


def test_a_missing_part_is_noticed(tmp_path: Path) -> None:
    fragments = whole()
    write_shard(tmp_path / "0", [fragments[0].part(0, 5), fragments[1], fragments[2]])
    write_shard(tmp_path / "1", [fragments[0].part(6, 13)])
    with pytest.raises(RunError, match=r"lacks a part of 'a\.weight'"):
        fill(empty(fragments), [tmp_path / "0", tmp_path / "1"])
