"""The heads that stand on an encoder, as in the paper's code; each gives logits and a summed loss.

Shapes: B rows, T tokens, H hidden size, C choices of an example, L labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dstilts.core.random_numbers import torch_seed
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.encode_options import IGNORED
from dstilts.tasks.examples import Kind


@dataclass(frozen=True)
class HeadSpec:
    """What a head is made from.

    Attributes:
        labels: in the order of the outputs.
        similarity: of the two vectors that a ranking task compares.
    """

    kind: Kind
    labels: tuple[str, ...] = ()
    similarity: str = "cosine"

    @classmethod
    def of(cls, spec: TaskSpec) -> "HeadSpec":
        """The head of a task; open labels must have been filled in."""
        return cls(spec.kind, spec.labels, spec.similarity)


class PairHead(nn.Module):
    """Classification by the first token: dropout, dense, tanh, dropout, linear."""

    def __init__(self, hidden_size: int, num_outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, num_outputs)

    def forward(self, hidden_BTH: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Logits (B, L)."""
        first_BH = self.dropout(hidden_BTH[:, 0])
        return self.output(self.dropout(torch.tanh(self.dense(first_BH))))

    def loss_sum(self, logits: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Cross entropy summed over the labelled rows."""
        return _cross_entropy_sum(logits, batch["label"])


class ChoiceHead(PairHead):
    """Multiple choice: each choice scored by itself, then a softmax over an example's choices."""

    def __init__(self, hidden_size: int, dropout: float) -> None:
        super().__init__(hidden_size, 1, dropout)

    def forward(self, hidden_BTH: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Logits (B, C) from the hidden states of B * C rows, an example's choices side by side."""
        return super().forward(hidden_BTH, batch).view(batch["label"].shape[0], -1)


class SpanHead(nn.Module):
    """Extractive answers: a start score and an end score for every token."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, 2)

    def forward(self, hidden_BTH: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Logits (B, T, 2), padding not masked."""
        return self.output(hidden_BTH)

    def loss_sum(self, logits: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Half the cross entropies of start and end, summed over the rows that hold the answer.

        A deviation from the paper's code: padding takes no part in the softmax, so that a row's
        loss is the same whatever rows it is batched with.
        """
        padding_BT = batch["attention_mask"] == 0
        start_BT, end_BT = logits.masked_fill(padding_BT[..., None], float("-inf")).unbind(-1)
        start = _cross_entropy_sum(start_BT, batch["start"])
        return (start + _cross_entropy_sum(end_BT, batch["end"])) / 2


class TaggingHead(nn.Module):
    """A label for every token: dropout, linear."""

    def __init__(self, hidden_size: int, num_outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_size, num_outputs)

    def forward(self, hidden_BTH: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Logits (B, T, L)."""
        return self.output(self.dropout(hidden_BTH))

    def loss_sum(self, logits: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Cross entropy summed over the labelled tokens."""
        return _cross_entropy_sum(logits.flatten(0, 1), batch["labels"].flatten())


class RankingHead(nn.Module):
    """A dual encoder's comparison of question and candidate; it has no weights of its own.

    Both are their first token's vector. A row's candidate competes with the candidates of the other
    rows of its micro-batch (XTREME-R's scripts: softmax over the batch).
    """

    # Cosines span 2 at most, too little for a softmax; scripts scale them by a constant like this.
    COSINE_SCALE = 20.0

    def __init__(self, similarity: str) -> None:
        super().__init__()
        self.is_cosine = similarity == "cosine"

    def forward(self, hidden_BTH: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Scores (B, B) of each question with each candidate, from the states of 2 * B rows."""
        vectors_BH = hidden_BTH[:, 0].float()
        if self.is_cosine:
            vectors_BH = F.normalize(vectors_BH, dim=-1)
        scores = vectors_BH[0::2] @ vectors_BH[1::2].T
        return scores * self.COSINE_SCALE if self.is_cosine else scores

    def loss_sum(self, logits: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Cross entropy of each question's own candidate, summed over the rows.

        The same candidate in another row is right there too and so no negative.
        """
        candidate = batch["candidate"]
        places = torch.arange(len(candidate), device=candidate.device)
        is_other = places[:, None] != places
        same = (candidate[:, None] == candidate) & is_other
        return _cross_entropy_sum(logits.masked_fill(same, float("-inf")), places)


class MaskedHead(nn.Module):
    """Masked language modelling: dense, GELU, normalisation, and the word embeddings as outputs.

    XLM-R's head. The embeddings are the encoder's own; `MultiTaskModel` passes them in the batch.
    """

    def __init__(self, hidden_size: int, embedding_size: int, vocabulary_size: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, embedding_size)
        self.norm = nn.LayerNorm(embedding_size)
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))

    def forward(self, hidden_BTH: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Logits (M, V) of the M masked tokens over the vocabulary."""
        masked_MH = hidden_BTH.flatten(0, 1)[batch["masked"]]
        states_ME = self.norm(F.gelu(self.dense(masked_MH)))
        return F.linear(states_ME, batch["word_embeddings"], self.bias)

    def loss_sum(self, logits: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Cross entropy summed over the masked tokens."""
        return _cross_entropy_sum(logits, batch["targets"])


Head = PairHead | ChoiceHead | SpanHead | TaggingHead | RankingHead | MaskedHead
FIRST_TOKEN_HEADS = (PairHead, ChoiceHead, RankingHead)  # that read no other token's state


def build_head(
    spec: HeadSpec, hidden_size: int, dropout: float, embeddings: nn.Embedding | None = None
) -> Head:
    """An untrained head; `initialise` gives it its first weights.

    Args:
        embeddings: the encoder's word embeddings, whose size a head for mlm needs.
    """
    match spec.kind:
        case "pair":
            return PairHead(hidden_size, len(spec.labels), dropout)
        case "choice":
            return ChoiceHead(hidden_size, dropout)
        case "span":
            return SpanHead(hidden_size)
        case "tagging":
            return TaggingHead(hidden_size, len(spec.labels), dropout)
        case "retrieval":
            return RankingHead(spec.similarity)
        case "mlm":
            assert embeddings is not None
            size = embeddings.embedding_dim
            return MaskedHead(hidden_size, size, embeddings.num_embeddings)


def initialise(head: Head, name: str, seed: int) -> None:
    """First weights as a pure function of (seed, name): normal with deviation 0.02, biases zero.

    The scales of a normalisation are left at 1.

    The same for every world size, ZeRO stage and set of other heads.
    """
    generator = torch.Generator().manual_seed(torch_seed(seed, "head", name))
    with torch.no_grad():
        for label, parameter in head.named_parameters():
            if label == "norm.weight":
                parameter.fill_(1.0)
            elif parameter.dim() == 1:
                parameter.zero_()
            else:
                parameter.normal_(0.0, 0.02, generator=generator)


def _cross_entropy_sum(logits: Tensor, labels: Tensor) -> Tensor:
    # In fp32 whatever the precision of the model: a bf16 softmax over 384 positions is too coarse.
    return F.cross_entropy(logits.float(), labels, ignore_index=IGNORED, reduction="sum")
