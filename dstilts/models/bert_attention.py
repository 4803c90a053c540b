"""BERT's attention on packed rows: one product for queries, keys and values, and only what is read.

For heads that read the first token alone the last layer computes nothing else: the other tokens are
keys and values only. That is a fifteenth of the work of twelve layers, and not one bit of the loss.

Shapes: B rows, N tokens of all rows together, H hidden size, D a head's size.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from dstilts.models.layers import encoder_layers
from dstilts.models.packed_attention import PackedRows, packed_attention

# Types whose layers are BERT's: attention with `self` and `output`, then the feed-forward part.
BERT_TYPES = frozenset({"bert", "camembert", "electra", "ernie", "roberta", "xlm-roberta"})


def has_bert_layers(encoder: PreTrainedModel) -> bool:
    """Whether an encoder's layers are BERT's."""
    return encoder.config.model_type in BERT_TYPES


def use_bert_attention(encoder: PreTrainedModel) -> None:
    """Exchanges the attention of packed rows; padded batches are computed as before.

    Where `packed_rows.first` asks for first tokens alone, the last layer gives only these. Modules
    call one another as before, all of a layer's or none: ZeRO-3 fetches weights by their order.
    """
    layers: list[Any] = encoder_layers(encoder)
    for layer in layers:
        layer.attention.self.forward = _Forward(layer.attention.self, _self_attention)
    last = layers[-1].attention
    last.forward = _Forward(last, _attention_of_first_tokens)
    last.self.forward = _Forward(last.self, _self_attention_of_first_tokens)


class _Forward:
    """Takes the place of a module's `forward`; a copy of the module has to get its own."""

    def __init__(self, module: nn.Module, function: Callable[..., Any]) -> None:
        self._module = module
        self._function = function

    def __call__(
        self,
        hidden_states: Tensor,
        *inputs: Any,
        packed_rows: PackedRows | None = None,
        **options: Any,
    ) -> Any:
        if packed_rows is None:
            return type(self._module).forward(self._module, hidden_states, *inputs, **options)
        return self._function(self._module, hidden_states, packed_rows, *inputs, **options)


def _self_attention(
    module: Any, hidden_1NH: Tensor, rows: PackedRows, *inputs: Any, **options: Any
) -> tuple[Tensor, None]:
    query, key, value = _products(hidden_1NH, module.query, module.key, module.value)
    return _attended(module, query, key, value, rows)


def _self_attention_of_first_tokens(
    module: Any, hidden_1NH: Tensor, rows: PackedRows, *inputs: Any, **options: Any
) -> tuple[Tensor, None]:
    if rows.first is None:
        return _self_attention(module, hidden_1NH, rows)
    query_1BH = module.query(hidden_1NH[:, rows.first])
    key, value = _products(hidden_1NH, module.key, module.value)
    return _attended(module, query_1BH, key, value, rows)


def _attention_of_first_tokens(
    module: Any, hidden_1NH: Tensor, rows: PackedRows, *inputs: Any, **options: Any
) -> tuple[Tensor, None]:
    attended, _ = module.self(hidden_1NH, *inputs, packed_rows=rows, **options)
    kept = hidden_1NH if rows.first is None else hidden_1NH[:, rows.first]
    return module.output(attended, kept), None


def _products(hidden_1NH: Tensor, *linears: Any) -> tuple[Tensor, ...]:
    """What each of the linear modules makes of the states, by one product of matrices."""
    if not all(map(_has_weight, linears)):
        return tuple(linear(hidden_1NH) for linear in linears)
    weight = torch.cat([linear.weight for linear in linears])
    bias = torch.cat([linear.bias for linear in linears])
    return F.linear(hidden_1NH, weight, bias).chunk(len(linears), dim=-1)


def _has_weight(linear: nn.Module) -> bool:
    """Not so where it is quantised; under ZeRO-3 it is there only while the module itself runs."""
    return type(linear) is nn.Linear and not hasattr(linear.weight, "ds_id")


def _attended(
    module: Any, query: Tensor, key: Tensor, value: Tensor, rows: PackedRows
) -> tuple[Tensor, None]:
    size = module.attention_head_size
    output, _ = packed_attention(
        module,
        _by_head(query, size),
        _by_head(key, size),
        _by_head(value, size),
        attention_mask=None,
        dropout=module.dropout.p if module.training else 0.0,
        scaling=module.scaling,
        packed_rows=rows,
    )
    return output.flatten(2), None


def _by_head(states_1NH: Tensor, size: int) -> Tensor:
    """The states as (1, heads, N, D)."""
    return states_1NH.unflatten(-1, (-1, size)).transpose(1, 2)
