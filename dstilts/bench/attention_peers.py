"""Other ways to attend within the rows of a packed batch on a GPU, to be measured beside ours.

None of them drops attention weights but the package flash_attn.
"""

import functools
import importlib.util
from typing import Any

import torch
from torch import Tensor

from dstilts.models.packed_attention import Kernel, PackedRows, attend_padded


def gpu_peers() -> dict[str, Kernel]:
    """The kernels that this machine has, by name."""
    found: dict[str, Kernel] = {
        "torch varlen_attn, without dropout": attend_varlen,
        "torch flex_attention, without dropout": attend_flex,
        "padding put back for the attention": attend_padded,
    }
    if importlib.util.find_spec("flash_attn") is not None:
        found["flash_attn"] = attend_flash_package
    return found


def attend_varlen(
    query_NHD: Tensor,
    key_NHD: Tensor,
    value_NHD: Tensor,
    rows: PackedRows,
    dropout: float,
    scaling: float | None,
    reach: int | None,
) -> Tensor:
    """`torch.nn.attention.varlen.varlen_attn`, with the scale that it takes by itself."""
    from torch.nn.attention.varlen import varlen_attn

    starts, length = rows.cu_seqlens, rows.max_length
    output = varlen_attn(query_NHD, key_NHD, value_NHD, starts, starts, length, length)
    assert isinstance(output, Tensor)
    return output


def attend_flash_package(
    query_NHD: Tensor,
    key_NHD: Tensor,
    value_NHD: Tensor,
    rows: PackedRows,
    dropout: float,
    scaling: float | None,
    reach: int | None,
) -> Tensor:
    """The package flash_attn."""
    from flash_attn import flash_attn_varlen_func  # type: ignore[import-not-found]

    starts, length = rows.cu_seqlens, rows.max_length
    output: Tensor = flash_attn_varlen_func(
        query_NHD,
        key_NHD,
        value_NHD,
        starts,
        starts,
        length,
        length,
        dropout_p=dropout,
        softmax_scale=scaling,
    )
    return output


def attend_flex(
    query_NHD: Tensor,
    key_NHD: Tensor,
    value_NHD: Tensor,
    rows: PackedRows,
    dropout: float,
    scaling: float | None,
    reach: int | None,
) -> Tensor:
    """`flex_attention` with a mask of blocks, which is made once a batch."""
    tensors = (each.transpose(0, 1)[None] for each in (query_NHD, key_NHD, value_NHD))
    mask = _row_mask(rows.cu_seqlens, len(query_NHD))
    output: Tensor = _flex(query_NHD.device.type)(*tensors, block_mask=mask, scale=scaling)
    return output[0].transpose(0, 1)


@functools.cache
def _flex(device: str) -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=True) if device == "cuda" else flex_attention


@functools.lru_cache(maxsize=2)  # all layers of a batch ask for the same one
def _row_mask(cu_seqlens: Tensor, num_tokens: int) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    numbers = torch.arange(len(cu_seqlens) - 1, device=cu_seqlens.device)
    row_of = numbers.repeat_interleave(cu_seqlens.diff(), output_size=num_tokens)

    def same_row(_: Tensor, __: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return row_of[query] == row_of[key]

    device = cu_seqlens.device.type
    return create_block_mask(same_row, None, None, num_tokens, num_tokens, device=device)
