"""Sentence vectors: the mean of the hidden states of any layer, or its first token's.

Shapes: B rows, T tokens, D dimensions.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from dstilts.core.errors import UserError
from dstilts.models.multitask import encoder_inputs


def mean_pool(hidden_BTD: Tensor, mask_BT: Tensor) -> Tensor:
    """The mean over all positions that are no padding, special tokens included, in fp32 (B, D).

    Source: the paper's code and the official Tatoeba script both average the special tokens too.
    """
    weights_BT1 = mask_BT.unsqueeze(-1).float()
    return (hidden_BTD.float() * weights_BT1).sum(1) / weights_BT1.sum(1)


def pool(hidden_BTD: Tensor, mask_BT: Tensor, pooling: str) -> Tensor:
    """Sentence vectors in fp32 (B, D): "mean", or "first" for the first token's."""
    return hidden_BTD[:, 0].float() if pooling == "first" else mean_pool(hidden_BTD, mask_BT)


@torch.inference_mode()
def pooled_layers(
    encoder: PreTrainedModel,
    batch: Mapping[str, Tensor | str],
    layers: Sequence[int] | None,
    pooling: str = "mean",
) -> list[Tensor]:
    """Sentence vectors (B, D) of each of `layers`: 0 is the embeddings, -1 the last layer.

    Args:
        layers: None: all of them, from the embeddings on.

    Raises:
        UserError: the encoder has no such layer.
    """
    inputs = encoder_inputs(batch)
    hidden = encoder(**inputs, output_hidden_states=True).hidden_states
    if layers is None:
        layers = range(len(hidden))
    for layer in layers:
        if not -len(hidden) <= layer < len(hidden):
            raise UserError(f"no layer {layer}", remedy=f"the encoder has 0 to {len(hidden) - 1}")
    return [pool(hidden[layer], inputs["attention_mask"], pooling) for layer in layers]
