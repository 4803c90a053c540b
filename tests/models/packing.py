"""What the tests of packed batches share: small encoders of each type, batches for each head."""

from typing import Any

import torch
from torch import Tensor
from transformers import CONFIG_MAPPING, AutoModel, PreTrainedModel

from dstilts.models.collate import collate
from dstilts.models.heads import HeadSpec
from dstilts.models.packing import pack

# With rows of equal length, of one token, of the most tokens, and out of order.
LENGTHS = (5, 31, 9, 9, 1, 60, 31, 2)

HEADS = {
    "nli": HeadSpec("pair", ("a", "b", "c")),
    "choice": HeadSpec("choice"),
    "span": HeadSpec("span"),
    "pos": HeadSpec("tagging", ("X", "Y")),
    "lareqa": HeadSpec("retrieval", similarity="dot"),
    "mlm": HeadSpec("mlm"),
}

_SIZES = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 80,
    "type_vocab_size": 2,
}
_SPECIALS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
_OWN: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 16},
    "deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "eurobert": {"num_attention_heads": 4, "num_key_value_heads": 2, "mask_token_id": 3},
    # A window that is shorter than most rows, in one of the two layers.
    "modernbert": {
        "cls_token_id": 0,
        "sep_token_id": 2,
        "local_attention": 8,
        "layer_types": ["full_attention", "sliding_attention"],
    },
}
_NAMES = {
    "distilbert": ("dim", "n_layers", "n_heads", "hidden_dim"),
    "flaubert": ("emb_dim", "n_layers", "n_heads", "hidden_dim"),
    "mt5": ("d_model", "num_layers", "num_heads", "d_ff"),
    "xlm": ("emb_dim", "n_layers", "n_heads", "hidden_dim"),
}


def small_encoder(kind: str, seed: int = 0, dropout: float | None = None) -> PreTrainedModel:
    """A random encoder of any type in evaluation mode.

    Args:
        dropout: of all kinds in it; without it as its type has it.
    """
    sizes = dict(_SIZES)
    usual = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    for old, new in zip(usual, _NAMES.get(kind, usual), strict=True):
        sizes[new] = sizes.pop(old)
    config = CONFIG_MAPPING[kind](**{**sizes, **_SPECIALS, **_OWN.get(kind, {})})
    if dropout is not None:
        for name in vars(config):
            if "dropout" in name and isinstance(getattr(config, name), float):
                setattr(config, name, dropout)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: PreTrainedModel = AutoModel.from_config(config).eval()
        # As drawn, biases are 0 and attention is nearly uniform, which would hide an error.
        for parameter in model.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return model


def batch(head: str, *, with_types: bool = False) -> dict[str, Tensor]:
    """A padded batch of `LENGTHS` for a head."""
    draws = torch.Generator().manual_seed(7)

    def ids(length: int) -> list[int]:
        return torch.randint(4, 99, (length,), generator=draws).tolist()

    rows: list[dict[str, Any]] = []
    for number, length in enumerate(LENGTHS):
        row: dict[str, Any] = {"input_ids": ids(length), "label": number % 2}
        row |= {"choice_input_ids": [ids(length), ids(length // 2 + 1)], "candidate": number % 5}
        row |= {"start": number % length, "end": length - 1}
        row["labels"] = [-100 if place % 3 else place % 2 for place in range(length)]
        if with_types:
            row["token_type_ids"] = [int(place > 3) for place in range(length)]
            row["choice_token_type_ids"] = [
                [place % 2 for place in range(len(choice))] for choice in row["choice_input_ids"]
            ]
        rows.append(row)
    if head != "mlm":
        rows[1]["input_ids"][4] = 1  # the padding id where no padding is
    return collate(rows, HEADS[head].kind, pad_id=1)


def both(head: str, encoder: PreTrainedModel, **options: bool) -> list[dict[str, Tensor | str]]:
    """The padded and the packed batch."""
    padded = batch(head, **options)
    return [{**padded, "head": head}, {**pack(padded, encoder.config), "head": head}]
