"""The last layer for heads that read the first token alone: the others are keys and values only.

Nothing else of the layer is computed for them: a fifteenth of the work of twelve layers, and not
one bit of the loss.

Shapes: B rows, N tokens of all rows together, H hidden size.
"""

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from dstilts.models.layers import encoder_layers
from dstilts.models.packed_attention import PackedRows, packed_attention

# Types whose layers are BERT's: attention with `self` and `output`, then the feed-forward part.
FIRST_TOKEN_TYPES = frozenset({"bert", "camembert", "electra", "ernie", "roberta", "xlm-roberta"})


def supports_first_tokens(encoder: PreTrainedModel) -> bool:
    """Whether an encoder's last layer can be computed for first tokens alone."""
    return encoder.config.model_type in FIRST_TOKEN_TYPES


def enable_first_tokens(encoder: PreTrainedModel) -> None:
    """Lets the last layer give first tokens alone, where `packed_rows.first` asks for them.

    The layer's modules are called one in another as before: ZeRO-3 counts on their order.
    """
    attention: Any = encoder_layers(encoder)[-1].attention
    attention.forward = _Forward(attention, _attention)
    attention.self.forward = _Forward(attention.self, _self_attention)


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
        if packed_rows is None or packed_rows.first is None:
            plain = functools.partial(type(self._module).forward, self._module)
            return plain(hidden_states, *inputs, packed_rows=packed_rows, **options)
        return self._function(self._module, hidden_states, packed_rows, *inputs, **options)


def _attention(
    module: Any, hidden_1NH: Tensor, rows: PackedRows, *inputs: Any, **options: Any
) -> tuple[Tensor, None]:
    attended_1BH, _ = module.self(hidden_1NH, *inputs, packed_rows=rows, **options)
    return module.output(attended_1BH, hidden_1NH[:, rows.first]), None


def _self_attention(
    module: Any, hidden_1NH: Tensor, rows: PackedRows, *inputs: Any, **options: Any
) -> tuple[Tensor, None]:
    query, key, value = (
        linear(states).unflatten(-1, (-1, module.attention_head_size)).transpose(1, 2)
        for linear, states in (
            (module.query, hidden_1NH[:, rows.first]),
            (module.key, hidden_1NH),
            (module.value, hidden_1NH),
        )
    )
    dropout = module.dropout.p if module.training else 0.0
    attended, _ = packed_attention(
        module, query, key, value, None, dropout, module.scaling, packed_rows=rows
    )
    return attended.flatten(2), None
