"""One encoder with named heads: the module that is trained and that predicts."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from dstilts.models.dropout import use_quick_dropout
from dstilts.models.heads import (
    FIRST_TOKEN_HEADS,
    Head,
    HeadSpec,
    MaskedHead,
    build_head,
    initialise,
)
from dstilts.models.packing import encode_packed, is_packed

# A batch is what `collate` or `pack` gives, and under "head" the name of the head that reads it.
Batch = Mapping[str, Tensor | str]


class HeadBank(nn.Module):
    """All heads in one container with its own forward.

    ZeRO-3 treats the container as a leaf: it gathers and reduces all heads together, so that a head
    no rank used in a step gets a zero gradient, not its last one again.
    """

    def __init__(self, specs: Mapping[str, HeadSpec], encoder: PreTrainedModel) -> None:
        super().__init__()
        self.touch_all = False  # every head has a gradient in every step, if only zero
        size, dropout = encoder.config.hidden_size, head_dropout(encoder.config)
        embeddings = cast(nn.Embedding, encoder.get_input_embeddings())
        self.heads = nn.ModuleDict(
            {name: build_head(spec, size, dropout, embeddings) for name, spec in specs.items()}
        )

    def forward(self, hidden_BTH: Tensor, batch: Batch, with_loss: bool) -> Tensor:
        """The logits of the batch's head, or their summed loss."""
        head = cast(Head, self.heads[str(batch["head"])])
        logits = head(hidden_BTH, batch)
        if not with_loss:
            return logits
        loss = head.loss_sum(logits, batch)
        return loss + 0.0 * sum(p.sum() for p in self.parameters()) if self.touch_all else loss


class MultiTaskModel(nn.Module):
    """An encoder and the heads of the tasks it is trained on.

    Args:
        encoder: any encoder that `load_encoder` gives.
        heads: the heads by name, in the order in which their weights are kept.
        seed: of the heads' first weights.
    """

    def __init__(
        self, encoder: PreTrainedModel, heads: Mapping[str, HeadSpec], seed: int = 0
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.bank = HeadBank(heads, encoder)
        for name, head in self.bank.heads.items():
            initialise(cast(Head, head), name, seed)
        use_quick_dropout(self)

    def forward(self, batch: Batch) -> Tensor:
        """The loss of the batch's head, summed over its examples (or labelled tokens), in fp32."""
        return self.logits(self.encode(batch), batch, with_loss=True)

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Tensor:
        """The logits of the batch's head in fp32, on the batch's device.

        pair (B, L), choice (B, C), span (B, T, 2) with padding not masked, tagging (B, T, L), mlm
        (M, V) of the M masked tokens, ranking (B, B).
        """
        return self.logits(self.encode(batch), batch).float()

    def logits(self, hidden_BTH: Tensor, batch: Batch, with_loss: bool = False) -> Tensor:
        """What the batch's head makes of the encoder's states; its summed loss if asked for."""
        if isinstance(self.bank.heads[str(batch["head"])], MaskedHead):
            batch = {**batch, "word_embeddings": self._word_embeddings()}
        loss_or_logits: Tensor = self.bank(hidden_BTH, batch, with_loss)
        return loss_or_logits

    def _word_embeddings(self) -> Tensor:
        """All word embeddings (V, E), through their own module: under ZeRO-3 that gathers them.

        Its padding row gets no gradient from here, as it gets none from the inputs.
        """
        module = cast(nn.Embedding, self.encoder.get_input_embeddings())
        ids = torch.arange(module.num_embeddings, device=self.encoder.device)
        embeddings: Tensor = module(ids)
        return embeddings

    def encode(self, batch: Batch) -> Tensor:
        """The last layer's hidden states (B, T, H); of a packed batch they are zero at padding.

        Where the batch is packed and its head reads first tokens only, these alone (B, 1, H).
        """
        if is_packed(batch):
            head = self.bank.heads[str(batch["head"])] if "head" in batch else None
            return encode_packed(self.encoder, batch, isinstance(head, FIRST_TOKEN_HEADS))
        return self.encoder(**encoder_inputs(batch)).last_hidden_state


def encoder_inputs(batch: Batch) -> dict[str, Any]:
    """What of a batch goes to the encoder. Position ids are left to it: XLM-R counts from 2."""
    names = ("input_ids", "attention_mask", "token_type_ids")
    return {name: batch[name] for name in names if name in batch}


def head_dropout(config: Any) -> float:
    """The dropout in heads: the encoder's own setting, under whatever name it has one, or 0.1."""
    names = ("classifier_dropout", "hidden_dropout_prob", "dropout_rate", "dropout")
    for name in names:
        value = getattr(config, name, None)
        if value is not None:
            return float(value)
    return 0.1
