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
from dstilts.tasks.encode_options import IGNORED
from dstilts.tasks.examples import Kind


@dataclass(frozen=True)
class HeadSpec:
    """What a head is made from: its task's kind, and the labels in the order of its outputs."""

    kind: Kind
    labels: tuple[str, ...] = ()


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
        """Logits (B, T, 2); padding takes part in the loss's softmax, as in the paper's code."""
        return self.output(hidden_BTH)

    def loss_sum(self, logits: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Half the cross entropies of start and end, summed over the rows that hold the answer."""
        start = _cross_entropy_sum(logits[..., 0], batch["start"])
        return (start + _cross_entropy_sum(logits[..., 1], batch["end"])) / 2


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


Head = PairHead | ChoiceHead | SpanHead | TaggingHead


def build_head(spec: HeadSpec, hidden_size: int, dropout: float) -> Head:
    """An untrained head; `initialise` gives it its first weights."""
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
            raise ValueError("retrieval has no head")


def initialise(head: Head, name: str, seed: int) -> None:
    """First weights as a pure function of (seed, name): normal with deviation 0.02, biases zero.

    The same for every world size, ZeRO stage and set of other heads.
    """
    generator = torch.Generator().manual_seed(torch_seed(seed, "head", name))
    with torch.no_grad():
        for parameter in head.parameters():
            if parameter.dim() == 1:
                parameter.zero_()
            else:
                parameter.normal_(0.0, 0.02, generator=generator)


def _cross_entropy_sum(logits: Tensor, labels: Tensor) -> Tensor:
    # In fp32 whatever the precision of the model: a bf16 softmax over 384 positions is too coarse.
    return F.cross_entropy(logits.float(), labels, ignore_index=IGNORED, reduction="sum")
