"""What the tests of the Triton kernels share: where they run, a small plan, and data."""

import os

import numpy as np
import torch
from torch import Tensor

from dstilts.core.random_numbers import stream
from dstilts_kernels.topk.triton_search import Plan
from dstilts_kernels.topk.triton_tiles import Tile

# Set by tests/conftest.py where there is no GPU.
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"


def plan(rows: int = 64, columns: int = 64, group: int = 2, **changes: int) -> Plan:
    """Small enough that a few hundred vectors are many tiles, and are sampled and filtered."""
    tile = Tile(rows, columns, 64, warps=4, stages=2, group=group)
    settings = {"group": 2, "dense_below": 64, "block": 128, "rows_at_once": 64, **changes}
    return Plan(tile, interpreted=INTERPRETED, **settings)


def whole_numbers(name: str, *shape: int, most: int = 3) -> Tensor:
    """Integers of which no type rounds a product or a sum, with many equal scores."""
    numbers = stream("triton", name).integers(-most, most + 1, shape)
    return torch.from_numpy(numbers.astype(np.float32)).to(DEVICE)


def normal_numbers(name: str, *shape: int) -> Tensor:
    numbers = stream("triton", name).standard_normal(shape)
    return torch.from_numpy(numbers.astype(np.float32)).to(DEVICE)
