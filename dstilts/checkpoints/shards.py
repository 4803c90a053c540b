"""The state of a run in pieces: each rank writes what it owns, any number of ranks reads it back.

A shard is a safetensors file with tensors named "<kind>/<start>/<parameter>": the elements of the
flattened parameter from `start` on. So nothing in it depends on who reads it.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from dstilts.core.errors import RunError
from dstilts.core.files import sync

KINDS = ("master", "exp_avg", "exp_avg_sq")  # the weights in fp32 and AdamW's two moments


@dataclass(frozen=True)
class Fragment:
    """A stretch of one parameter's state, as views of the memory that the optimizer works on.

    Attributes:
        name: of the parameter.
        start: the place of the first element in the flattened parameter.
        tensors: by kind, one-dimensional, in fp32, of one length.
    """

    name: str
    start: int
    tensors: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.tensors[KINDS[0]])

    def part(self, start: int, stop: int) -> "Fragment":
        """A stretch of this stretch, counted from its beginning."""
        parts = {kind: tensor[start:stop] for kind, tensor in self.tensors.items()}
        return Fragment(self.name, self.start + start, parts)


@dataclass(frozen=True)
class ShardFile:
    """What a manifest says of a file."""

    size: int  # bytes
    sha256: str


def write_shard(path: Path, fragments: Sequence[Fragment]) -> ShardFile:
    """Writes and syncs a shard, tensor by tensor: no second copy of the state is made.

    Raises:
        OSError: the disk is full, say; what was written is half a file.
    """
    tensors = {
        f"{kind}/{fragment.start}/{fragment.name}": tensor
        for fragment in fragments
        for kind, tensor in fragment.tensors.items()
    }
    header: dict[str, object] = {}
    end = 0
    for name, tensor in tensors.items():
        assert tensor.dtype == torch.float32, name
        begin, end = end, end + 4 * len(tensor)
        header[name] = {"dtype": "F32", "shape": [len(tensor)], "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    sha = hashlib.sha256()
    size = 0
    with path.open("wb") as stream:
        head = len(text).to_bytes(8, "little") + text
        for piece in chain([head], map(_bytes_of, tensors.values())):
            size += stream.write(piece)
            sha.update(piece)
        stream.flush()
        os.fsync(stream.fileno())
    sync(path.parent)
    return ShardFile(size, sha.hexdigest())


def fill(fragments: Sequence[Fragment], shards: Sequence[Path]) -> None:
    """Reads the state of `fragments` out of all `shards`, in place.

    Raises:
        RunError: the shards lack some of it.
    """
    saved = _index(shards)
    for fragment in fragments:
        missing = len(fragment) * len(fragment.tensors)
        for kind, tensor in fragment.tensors.items():
            for piece in saved.get((kind, fragment.name), ()):
                low = max(fragment.start, piece.start)
                high = min(fragment.start + len(fragment), piece.start + piece.length)
                if low < high:
                    target = tensor[low - fragment.start : high - fragment.start]
                    target.copy_(piece.read(low - piece.start, high - piece.start))
                    missing -= high - low
        if missing:
            raise RunError(f"the resume point lacks a part of {fragment.name!r}")


@dataclass(frozen=True)
class _Piece:
    path: Path
    key: str
    start: int
    length: int

    def read(self, low: int, high: int) -> Tensor:
        with safe_open(self.path, "pt") as shard:
            part: Tensor = shard.get_slice(self.key)[low:high]
        return part


def _index(shards: Sequence[Path]) -> dict[tuple[str, str], list[_Piece]]:
    """The pieces of all shards by kind and parameter."""
    index: dict[tuple[str, str], list[_Piece]] = {}
    for path in shards:
        for piece in _pieces(path):
            kind, _, name = piece.key.split("/", 2)
            index.setdefault((kind, name), []).append(piece)
    return index


def _pieces(path: Path) -> Iterator[_Piece]:
    with safe_open(path, "pt") as shard:
        for key in shard.keys():  # noqa: SIM118  # no mapping
            (length,) = shard.get_slice(key).get_shape()
            yield _Piece(path, key, int(key.split("/", 2)[1]), length)


def _bytes_of(tensor: Tensor) -> bytes | memoryview:
    """A tensor's bytes; one on a device comes to the host first (a host-device sync)."""
    array: Any = tensor.detach().cpu().contiguous().numpy()
    return memoryview(array).cast("B")
