"""Attention within the rows of a packed batch: rows of any lengths, joined without padding.

Shapes: B rows, N tokens of all rows together, T tokens of the longest row, H heads of size D,
Q queries: all tokens (N), or the first ones of the rows alone (B).
"""

import functools
from collections.abc import Callable
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from dstilts.models.dropout import dropout as quick_dropout

# The name under which transformers finds this attention.
NAME = "dstilts_packed"

Kernel = Callable[[Tensor, Tensor, Tensor, "PackedRows", float, float | None, int | None], Tensor]

_LARGEST_HEAD = 256  # that flash attention takes


class PackedRows(NamedTuple):
    """Where the rows of a packed batch lie.

    Attributes:
        cu_seqlens: (B + 1,) int32, where each row begins, and behind them N.
        places: (N,) the place of each token in the padded batch (B, T), flattened.
        num_rows: B.
        max_length: T.
        first: (B,) the first token of each row, where the last layer is asked for these alone.
    """

    cu_seqlens: Tensor
    places: Tensor
    num_rows: int
    max_length: int
    first: Tensor | None = None

    def of_first_tokens(self) -> "PackedRows":
        """The same rows, of which the last layer gives the first tokens alone."""
        return self._replace(first=self.cu_seqlens[:-1].long())

    def query_seqlens(self, num_queries: int) -> tuple[Tensor, int]:
        """Where each row's queries begin, as `cu_seqlens`, and how many the longest row has."""
        if num_queries == len(self.places):
            return self.cu_seqlens, self.max_length
        return torch.arange(self.num_rows + 1, dtype=torch.int32, device=self.places.device), 1


def register() -> None:
    """Makes the attention known to transformers under `NAME`; any number of times."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, packed_attention)
    # For padded batches; a packed one brings a mask of its own, which is empty.
    AttentionMaskInterface.register(NAME, sdpa_mask)


def packed_attention(
    module: torch.nn.Module,
    query_1HQD: Tensor,
    key_1HND: Tensor,
    value_1HND: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    packed_rows: PackedRows | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Each query attends to the tokens of its own row: (1, Q, H, D), and no weights.

    A padded batch, which comes without `packed_rows`, is attended to as transformers does by
    default. Dropout on the attention weights keeps its meaning in every kernel: each weight is
    dropped by itself, drawn from the device's generator; only which ones are dropped differs.

    Args:
        sliding_window: tokens further apart than this less one do not see each other.
    """
    if packed_rows is None:
        return _padded_batch(
            module,
            query_1HQD,
            key_1HND,
            value_1HND,
            attention_mask,
            dropout=dropout,
            scaling=scaling,
            **others,
        )
    groups = query_1HQD.shape[1] // key_1HND.shape[1]
    if groups > 1:  # several queries share a key
        key_1HND = key_1HND.repeat_interleave(groups, dim=1)
        value_1HND = value_1HND.repeat_interleave(groups, dim=1)
    reach = None if sliding_window is None else sliding_window - 1
    query, key, value = (each[0].transpose(0, 1) for each in (query_1HQD, key_1HND, value_1HND))
    kernel = kernel_for(query_1HQD, reach)
    return kernel(query, key, value, packed_rows, dropout, scaling, reach)[None], None


def kernel_for(query: Tensor, reach: int | None) -> Kernel:
    """The fastest kernel that takes such tensors.

    Args:
        query: (..., D).
        reach: of a sliding window, to either side.
    """
    if query.device.type == "cpu":
        return attend_runs
    is_half, head_size = query.dtype in (torch.float16, torch.bfloat16), query.shape[-1]
    if query.device.type == "cuda" and head_size % 8 == 0 and head_size <= _LARGEST_HEAD:
        if is_half and _has_flash(query.device.index):
            return attend_flash
        if reach is None:
            return attend_efficient
    return attend_padded


@functools.cache
def _has_flash(device: int) -> bool:
    return torch.backends.cuda.is_flash_attention_available() and torch.cuda.get_device_capability(
        device
    ) >= (8, 0)


def attend_flash(
    query_QHD: Tensor,
    key_NHD: Tensor,
    value_NHD: Tensor,
    rows: PackedRows,
    dropout: float,
    scaling: float | None,
    reach: int | None,
) -> Tensor:
    """Flash attention over rows of any lengths (Q, H, D): CUDA, bf16 and fp16.

    The operator behind `torch.nn.attention.varlen.varlen_attn`, called itself: that function sets
    its dropout to 0, and XLM-R is trained with 0.1. It has gradients of its own.
    """
    window = -1 if reach is None else reach
    query_seqlens, most_queries = rows.query_seqlens(len(query_QHD))
    output: Tensor = torch.ops.aten._flash_attention_forward(
        query_QHD,
        key_NHD,
        value_NHD,
        query_seqlens,
        rows.cu_seqlens,
        most_queries,
        rows.max_length,
        dropout,
        False,  # not causal
        False,  # no mask for debugging
        scale=scaling,
        window_size_left=window,
        window_size_right=window,
    )[0]
    return output


def attend_efficient(
    query_QHD: Tensor,
    key_NHD: Tensor,
    value_NHD: Tensor,
    rows: PackedRows,
    dropout: float,
    scaling: float | None,
    reach: int | None,
) -> Tensor:
    """The same in fp32, and on GPUs older than flash attention; without a sliding window."""
    assert reach is None
    tensors = (query_QHD, key_NHD, value_NHD)
    query_seqlens, most_queries = rows.query_seqlens(len(query_QHD))
    output: Tensor = torch.ops.aten._efficient_attention_forward(
        *(each[None] for each in tensors),
        None,  # no bias
        query_seqlens,
        rows.cu_seqlens,
        most_queries,
        rows.max_length,
        dropout,
        0,  # no mask
        torch.is_grad_enabled() and any(each.requires_grad for each in tensors),
        scale=scaling,
    )[0]
    return output[0]


# Reads numbers from a tensor, which a compiled graph cannot.
@torch.compiler.disable  # type: ignore[untyped-decorator]
def attend_runs(
    query_QHD: Tensor,
    key_NHD: Tensor,
    value_NHD: Tensor,
    rows: PackedRows,
    dropout: float,
    scaling: float | None,
    reach: int | None,
) -> Tensor:
    """Rows of equal length that stand side by side are attended to at once (Q, H, D).

    Nothing is copied on the way in, and nothing is padded. For the CPU: elsewhere reading the
    lengths is a host-device sync.
    """
    heads, head_size = query_QHD.shape[1:]
    are_first = len(query_QHD) < len(key_NHD)  # queries of first tokens alone
    runs = [
        (length, len(list(equal))) for length, equal in groupby(rows.cu_seqlens.diff().tolist())
    ]
    # Split, not sliced: the gradient of a slice is as large as all rows together.
    sizes = [length * num_rows for length, num_rows in runs]
    asked = [num_rows for _, num_rows in runs] if are_first else sizes
    parts = zip(query_QHD.split(asked), key_NHD.split(sizes), value_NHD.split(sizes), strict=True)
    outputs = []
    for (length, num_rows), part in zip(runs, parts, strict=True):
        query, key, value = (
            each.view(num_rows, -1, heads, head_size).transpose(1, 2) for each in part
        )
        mask = None if reach is None or reach >= length else _near(length, reach, query_QHD.device)
        output = _attend(query, key, value, mask, dropout, scaling)
        outputs.append(output.transpose(1, 2).reshape(-1, heads, head_size))
    return torch.cat(outputs)


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float,
    scaling: float | None,
) -> Tensor:
    if not dropout or mask is not None:
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling
        )
    # With dropout torch has no fused kernel on the CPU either, and a slow dropout.
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    weights = torch.softmax((query * scale) @ key.transpose(-1, -2), dim=-1)
    return quick_dropout(weights, dropout) @ value


def attend_padded(
    query_QHD: Tensor,
    key_NHD: Tensor,
    value_NHD: Tensor,
    rows: PackedRows,
    dropout: float,
    scaling: float | None,
    reach: int | None,
) -> Tensor:
    """Padding put back for the attention alone (Q, H, D): on any device, without a sync."""
    num_rows, length = rows.num_rows, rows.max_length
    are_first = len(query_QHD) < len(key_NHD)  # queries of first tokens alone
    key, value = (unpacked(each, rows).transpose(1, 2) for each in (key_NHD, value_NHD))
    query = (query_QHD[:, None] if are_first else unpacked(query_QHD, rows)).transpose(1, 2)
    is_token = torch.zeros(num_rows * length, dtype=torch.bool, device=query_QHD.device)
    is_token = is_token.index_fill(0, rows.places, True)
    mask = is_token.view(num_rows, 1, 1, length)
    if reach is not None:
        assert not are_first
        # A padded place sees itself: a softmax over nothing has no gradient.
        near = _near(length, reach, query_QHD.device)
        mask = (mask & near) | torch.eye(length, dtype=torch.bool, device=query_QHD.device)
    output = F.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling
    )
    output = output.transpose(1, 2).flatten(0, 1)
    return output if are_first else output[rows.places]


def unpacked(values: Tensor, rows: PackedRows) -> Tensor:
    """Values of packed tokens (N, ...) in the padded batch (B, T, ...), zero where padding is."""
    rest = values.shape[1:]
    padded = values.new_zeros(rows.num_rows * rows.max_length, *rest)
    return padded.index_copy(0, rows.places, values).view(rows.num_rows, rows.max_length, *rest)


def _near(length: int, reach: int, device: torch.device) -> Tensor:
    """Which tokens (T, T) are no further apart than `reach`."""
    places = torch.arange(length, device=device)
    return (places[:, None] - places).abs() <= reach


def _padded_batch(*arguments: Any, **options: Any) -> tuple[Tensor, None]:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    attended: tuple[Tensor, None] = sdpa_attention_forward(*arguments, **options)
    return attended
