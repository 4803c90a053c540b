"""A shard's file is whole and of its own units, or it is found out."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from dstilts.evaluation.shard_file import BrokenShard, is_whole, read_shard, write_shard
from tests.evaluation.made_shards import UNITS, made_outputs, made_shard


def test_what_is_written_is_read(tmp_path: Path) -> None:
    shard, outputs = made_shard(tmp_path), made_outputs()
    write_shard(shard, outputs)
    found = read_shard(shard)
    assert (found.timings, found.threads) == (outputs.timings, 1)
    assert found.tables.keys() == outputs.tables.keys()
    for table, arrays in outputs.tables.items():
        for name, array in arrays.items():
            assert found.tables[table][name].tolist() == array.tolist()


def test_every_flipped_bit_and_every_cut_is_found(tmp_path: Path) -> None:
    shard = made_shard(tmp_path)
    write_shard(shard, made_outputs())
    content = shard.file.read_bytes()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        shard.file.write_bytes(flipped)
        assert not is_whole(shard), f"a flipped bit in byte {place} goes unseen"
        shard.file.write_bytes(content[:place])
        assert not is_whole(shard), f"a file of {place} bytes goes for whole"
    shard.file.write_bytes(content + b"\0")
    assert not is_whole(shard)
    shard.file.write_bytes(content)
    assert is_whole(shard)


def test_outputs_of_something_else(tmp_path: Path) -> None:
    shard = made_shard(tmp_path)
    with pytest.raises(BrokenShard, match="not there"):
        read_shard(shard)
    others = np.array([[0, 3, 0], [0, 2, 0], [2, 0, 1]], dtype=np.int32)
    for units in (others, UNITS[:2], np.concatenate([UNITS, UNITS[:1]])):
        write_shard(shard, made_outputs(units))
        with pytest.raises(BrokenShard, match="of other units"):
            read_shard(shard)
    # The same units of another plan: of another model, say.
    other = dataclasses.replace(shard, file=tmp_path / "other" / shard.file.name)
    write_shard(other, made_outputs())
    shutil.copy(other.file, shard.file)
    with pytest.raises(BrokenShard, match="of other units"):
        read_shard(shard)
