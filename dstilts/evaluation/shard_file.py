"""The file of a shard: its outputs, the units they are of, what they took, and a digest of it all.

A file that was cut off, has a flipped bit or holds other units than its shard is found when it is
read, and only that shard is done again.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from dstilts.core.digest import canonical_json
from dstilts.core.files import write_bytes
from dstilts.evaluation.outputs import Arrays
from dstilts.evaluation.shards import Shard, Units

FORMAT = 2  # raised when files of the same units look or are written differently
_DIGEST, _PLAN, _TIMINGS = "digest", "plan", "timings"


class BrokenShard(Exception):
    """The file of a shard is not there, or is not what the shard asks for."""


@dataclass(frozen=True)
class Timing:
    """What one micro-batch took."""

    rows: int
    length: int  # in tokens, padding included
    seconds: float


@dataclass(frozen=True)
class ShardOutputs:
    """What a shard's file holds.

    Attributes:
        tables: by number of the table its arrays, `row` and `choice` among them.
        timings: of the micro-batches, in their order.
        threads: of the worker that ran them.
    """

    tables: dict[int, Arrays]
    timings: tuple[Timing, ...]
    threads: int


def write_shard(shard: Shard, outputs: ShardOutputs) -> None:
    """Writes the outputs whole or not at all."""
    arrays = {
        f"{table}.{name}": np.ascontiguousarray(array)
        for table, found in outputs.tables.items()
        for name, array in found.items()
    }
    timings = [[t.rows, t.length, t.seconds] for t in outputs.timings]
    metadata = {
        _PLAN: shard.file.parent.name,
        _TIMINGS: json.dumps({"threads": outputs.threads, "batches": timings}),
    }
    header, tensors = _split(save(arrays, metadata))
    write_bytes(shard.file, save(arrays, {**metadata, _DIGEST: _digest(header, tensors)}))


def read_shard(shard: Shard) -> ShardOutputs:
    """The outputs of a shard.

    Raises:
        BrokenShard: they are not there, not whole, or of something else.
    """
    try:
        content = shard.file.read_bytes()
    except FileNotFoundError:
        raise BrokenShard("its outputs are not there") from None
    except OSError as error:
        raise BrokenShard(f"its outputs cannot be read: {error.strerror}") from None
    try:
        header, tensors = _split(content)
        metadata = header["__metadata__"]
        is_whole = metadata.pop(_DIGEST) == _digest(header, tensors)
        if is_whole:
            outputs = _outputs(load(content), json.loads(metadata[_TIMINGS]))
    except (ValueError, KeyError, TypeError, AttributeError, SafetensorError):
        raise BrokenShard("its outputs are cut off or broken") from None
    if not is_whole:
        raise BrokenShard("its outputs differ from their digest")
    if metadata[_PLAN] != shard.file.parent.name or not _are_units_of(shard, outputs.tables):
        raise BrokenShard("its outputs are of other units")
    return outputs


def is_whole(shard: Shard) -> bool:
    """Whether the outputs of a shard are there and right."""
    with contextlib.suppress(BrokenShard):
        read_shard(shard)
        return True
    return False


def units_in(tables: Mapping[int, Arrays]) -> Units:
    """The units that arrays are of, in any order."""
    empty = np.empty((0, 3), dtype=np.int32)
    given = [
        np.column_stack([np.full_like(arrays["row"], number), arrays["row"], arrays["choice"]])
        for number, arrays in tables.items()
    ]
    return np.concatenate([empty, *given])


def same_units(first: Units, second: Units) -> bool:
    """Whether both hold the same units equally often."""
    return np.array_equal(_sorted(first), _sorted(second))


def _outputs(arrays: Mapping[str, npt.NDArray[Any]], timings: dict[str, Any]) -> ShardOutputs:
    tables: dict[int, Arrays] = {}
    for name, array in arrays.items():
        number, _, field = name.partition(".")
        tables.setdefault(int(number), {})[field] = array
    batches = tuple(Timing(*batch) for batch in timings["batches"])
    return ShardOutputs(tables, batches, timings["threads"])


def _are_units_of(shard: Shard, tables: Mapping[int, Arrays]) -> bool:
    return same_units(units_in(tables), np.concatenate(shard.batches))


def _sorted(units: Units) -> Units:
    return units[np.lexsort(units.T[::-1])]


def _split(content: bytes) -> tuple[dict[str, Any], memoryview]:
    """The header of a safetensors file, and the tensors behind it."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    return header, memoryview(content)[8 + size :]


def _digest(header: dict[str, Any], tensors: memoryview) -> str:
    """Of names, types, places and contents, and of the metadata but for the digest itself."""
    sha = hashlib.sha256(canonical_json(header).encode())
    sha.update(tensors)
    return sha.hexdigest()
