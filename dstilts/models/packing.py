"""Packed batches: the rows of a batch joined to one sequence, so that no padding is computed.

Shapes: B rows, T tokens of the longest row, N tokens of all rows together, H hidden size.
"""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from dstilts.models import packed_attention
from dstilts.models.bert_attention import has_bert_layers, use_bert_attention
from dstilts.models.encoder import longest_input
from dstilts.models.packed_attention import PackedRows, unpacked

# Types whose attention can be exchanged and whose positions can be given; a test runs each. The
# others have attention of their own (mT5, mDeBERTa, RemBERT) and stay padded.
PACKED_TYPES = frozenset(
    {"albert", "bert", "camembert", "distilbert", "electra", "ernie", "eurobert", "modernbert"}
    | {"nomic_bert", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl"}
)


def supports_packing(encoder: PreTrainedModel) -> bool:
    """Whether an encoder can compute packed batches."""
    return encoder.config.model_type in PACKED_TYPES


def enable_packing(encoder: PreTrainedModel) -> None:
    """Lets an encoder take packed batches, and padded ones as before.

    Its saved configuration stays what it was.
    """
    assert supports_packing(encoder)
    packed_attention.register()
    encoder.set_attn_implementation(packed_attention.NAME)
    if has_bert_layers(encoder):
        use_bert_attention(encoder)


def pack(batch: Mapping[str, Tensor], config: Any) -> dict[str, Tensor]:
    """A padded batch, as `collate` gives it, without padding for the encoder; on the host.

    The rows are joined with the shortest first, so that rows of equal length are neighbours.
    `input_ids` and `token_type_ids` become (1, N); new are `position_ids` (1, N), `cu_seqlens`
    (B + 1,) int32, where each row begins, and `places` (N,), each token's place in the padded
    batch, flattened. All else stays as it is, `attention_mask` (B, T) too: what heads read refers
    to the padded batch, into which `encode_packed` puts the states.

    Args:
        config: of the encoder, which decides how positions are counted.
    """
    mask_BT = batch["attention_mask"].bool()
    lengths = mask_BT.sum(1)
    order = lengths.argsort(stable=True)
    all_places_BT = torch.arange(mask_BT.numel()).view(mask_BT.shape)
    places = all_places_BT[order][mask_BT[order]]
    packed = dict(batch)
    for name in ("input_ids", "token_type_ids"):
        if name in batch:
            packed[name] = batch[name].flatten()[places][None]
    packed["position_ids"] = position_ids(batch["input_ids"], config).flatten()[places][None]
    starts = torch.zeros(len(lengths) + 1, dtype=torch.int32)
    starts[1:] = lengths[order].cumsum(0)
    return {**packed, "cu_seqlens": starts, "places": places}


def position_ids(input_ids_BT: Tensor, config: Any) -> Tensor:
    """The positions (B, T) that an encoder gives the tokens of padded rows by itself."""
    limit = longest_input(config)
    assert limit is not None
    if limit == config.max_position_embeddings:
        return torch.arange(input_ids_BT.shape[1]).expand(input_ids_BT.shape)
    # XLM-R counts from behind the padding's position, and counts no padding id.
    counted_BT = (input_ids_BT != config.pad_token_id).long()
    return counted_BT.cumsum(1) * counted_BT + config.pad_token_id


def is_packed(batch: Mapping[str, Tensor | str]) -> bool:
    """Whether a batch went through `pack`."""
    return "cu_seqlens" in batch


def encode_packed(
    encoder: PreTrainedModel, batch: Mapping[str, Tensor | str], first_only: bool = False
) -> Tensor:
    """The last layer's hidden states (B, T, H) of a packed batch, zero where padding was.

    With `first_only` those of the first tokens alone (B, 1, H), where the encoder can leave the
    others out.

    The encoder must have gone through `enable_packing`. No host-device sync: what the host has to
    know stands in the shapes.
    """
    tensors = cast(Mapping[str, Tensor], batch)
    num_rows, max_length = tensors["attention_mask"].shape
    rows = PackedRows(tensors["cu_seqlens"], tensors["places"], num_rows, max_length)
    if first_only and has_bert_layers(encoder):
        rows = rows.of_first_tokens()
    names = ("input_ids", "position_ids", "token_type_ids")
    ids = tensors["input_ids"]
    states_1NH = encoder(
        **{name: tensors[name] for name in names if name in tensors},
        # transformers passes masks of four dimensions on as they are: without one it would make
        # a mask of N x N for a sliding window.
        attention_mask=torch.empty(1, 1, 0, 0, dtype=torch.bool, device=ids.device),
        packed_rows=rows,
    ).last_hidden_state
    if rows.first is None:
        return unpacked(states_1NH[0], rows)
    # Packed rows stand in another order; a row's first token has the first of its places.
    numbers = rows.places[rows.first] // max_length
    return torch.zeros_like(states_1NH[0]).index_copy(0, numbers, states_1NH[0])[:, None]
