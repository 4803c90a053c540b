"""Shards without a model, for the tests of their files and of the schedule."""

from pathlib import Path

import numpy as np

from dstilts.evaluation.outputs import Arrays
from dstilts.evaluation.shard_file import ShardOutputs, Timing
from dstilts.evaluation.shards import Shard

UNITS = np.array([[0, 3, 0], [0, 1, 0], [2, 0, 1]], dtype=np.int32)


def made_shard(folder: Path, number: int = 0, *, units: np.ndarray = UNITS) -> Shard:
    """A shard of two micro-batches."""
    return Shard(
        file=folder / "plan" / f"{number:05d}.safetensors",
        model="models/m",
        published=True,
        digest="d",
        pad_id=0,
        precision="fp32",
        layer=-1,
        tables=(),
        batches=(units[:2], units[2:]),
        lengths=(7, 5),
        seconds=1.0,
    )


def made_outputs(units: np.ndarray = UNITS) -> ShardOutputs:
    """Outputs of the units, each its own label."""
    tables: dict[int, Arrays] = {}
    for table in np.unique(units[:, 0]):
        mine = units[units[:, 0] == table]
        labels = np.arange(len(mine), dtype=np.int32)
        tables[int(table)] = {"row": mine[:, 1], "choice": mine[:, 2], "label": labels}
    return ShardOutputs(tables, (Timing(2, 7, 0.25), Timing(1, 5, 0.125)), 1)
