"""Cutting a model into ZeRO-3's shards while it is loaded, one parameter after another.

DeepSpeed's own ways hold the whole model on every rank first. Here a rank never has more than its
shard and the parameter at hand, whose file is memory-mapped and read where the shard lies only.
"""

import ctypes
import mmap
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_MAPS = Path("/proc/self/maps")
_MADV_DONTNEED = 4


def partition_parameters(
    model: nn.Module, settings: dict[str, Any], dtype: torch.dtype, device: torch.device
) -> None:
    """Cuts every parameter of a model, which has equal weights on every rank (a collective).

    The weights are read on every rank by itself: nothing is sent.

    Args:
        settings: DeepSpeed's configuration.
        dtype: that the model is computed in.
        device: of this rank.
    """
    from deepspeed.runtime.zero import Init

    cutter = Init(config_dict_or_path=settings, dtype=dtype)
    mapped = _mapped_weights()
    parameter: Any  # DeepSpeed gives it attributes
    for parameter in model.parameters():
        loaded = parameter.data
        parameter.data = loaded.to(device=device, dtype=dtype)
        cutter._convert_to_deepspeed_param(parameter)
        parameter.partition()
        _let_go(loaded, mapped)
    for buffer in model.buffers():
        buffer.data = buffer.data.to(device)


def _mapped_weights() -> list[range]:
    """The addresses at which files of weights are mapped; none where the system does not say."""
    if not _MAPS.exists():
        return []
    ranges = []
    for line in _MAPS.read_text().splitlines():
        if line.endswith(".safetensors"):
            low, _, high = line.split(" ", 1)[0].partition("-")
            ranges.append(range(int(low, 16), int(high, 16)))
    return ranges


def _let_go(tensor: Tensor, mapped: list[range]) -> None:
    """Takes the pages of a mapped file out of this process's memory; they can be read again."""
    page = mmap.PAGESIZE
    start = -(-tensor.data_ptr() // page) * page
    stop = (tensor.data_ptr() + tensor.nbytes) // page * page
    if start < stop and any(start in area and stop - 1 in area for area in mapped):
        ctypes.CDLL(None).madvise(
            ctypes.c_void_p(start), ctypes.c_size_t(stop - start), _MADV_DONTNEED
        )
