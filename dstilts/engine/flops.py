"""The FLOPs that a step needs: the model's on its tokens, without padding or recomputation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from dstilts.engine.plan import GlobalStep, TaskRows
from dstilts.models.heads import MaskedHead
from dstilts.models.multitask import MultiTaskModel
from dstilts.tasks.catalog import task

Lengths = npt.NDArray[np.int64]

# Of a weight and token: a multiplication and an addition in the forward pass, as many for the
# gradient of the input and for the gradient of the weight. All inputs need a gradient, even those
# of the first layer over frozen word embeddings: what normalises them is trained.
_TRAINED, _FROZEN = 6, 4


@dataclass(frozen=True)
class ModelFlops:
    """Counts the FLOPs of steps; a pure function of the model's configuration and the lengths.

    Convolutions (ConvBERT) and scores of relative positions (DeBERTa) are not counted, nor is what
    is no matrix product. The rows of one example count as equally long (choices, ranking). The last
    layer counts whole, also where the engine computes first tokens alone: what a model needs is
    the same for all who train it.

    Attributes:
        per_token: of the encoder's linear layers.
        full_width: the size of all heads of a layer, added up over the layers in which every token
            attends to every other.
        local_width: the same over the layers in which it attends to `window` tokens on either side.
        heads: by name, for each place that the head is applied to.
    """

    per_token: int
    full_width: int
    local_width: int
    window: int
    heads: Mapping[str, int]

    @classmethod
    def of(cls, model: MultiTaskModel) -> "ModelFlops":
        """The counts of a model, whether its weights are on this rank or not (ZeRO-3)."""
        config: Any = model.encoder.config
        width = _attention_width(config)
        kinds = getattr(config, "layer_types", None) or ["full_attention"]
        local = sum(kind == "sliding_attention" for kind in kinds) / len(kinds)
        num_local = round(local * config.num_hidden_layers)
        return cls(
            per_token=_of_linear_layers(model.encoder, config),
            full_width=(config.num_hidden_layers - num_local) * width,
            local_width=num_local * width,
            window=config.sliding_window if num_local else 0,
            heads={name: _of_head(head, model) for name, head in model.bank.heads.items()},
        )

    def __call__(self, work: GlobalStep) -> float:
        """FLOPs of a step, forward and backward, of all ranks together."""
        return float(
            sum(self._of_rows(work.tasks[part.task], part.rows) for part in work.micro_batches)
        )

    def _of_rows(self, task_rows: TaskRows, chosen: Lengths) -> float:
        lengths, sequences = task_rows.lengths[chosen], _sequences(task_rows)
        each = lengths / sequences
        window = np.minimum(self.window, each - 1)
        pairs = self.full_width * each**2
        pairs += self.local_width * (each * (2 * window + 1) - window * (window + 1))
        match task_rows.kind:
            case "pair" | "choice" | "retrieval":
                places = len(chosen) * sequences
            case "span" | "tagging":
                places = lengths.sum()
            case "mlm":
                places = task_rows.counts[chosen].sum()
        # Queries with keys, and weights with values: two products, each with two in the backward
        # pass.
        attention = 12 * sequences * pairs.sum()
        per_place = self.heads[task_rows.head]
        return float(self.per_token * lengths.sum() + attention + per_place * places)


def _sequences(task_rows: TaskRows) -> int:
    """The sequences that a row of a task consists of."""
    if task_rows.kind == "retrieval":
        return 2  # a question and its candidate
    if task_rows.kind == "choice":
        return task(task_rows.task).num_choices or 1
    return 1


def _attention_width(config: Any) -> int:
    """What queries and keys have in a layer, over all heads: mT5's is not its hidden size."""
    per_head = getattr(config, "head_dim", None) or getattr(config, "d_kv", None)
    return int(config.num_attention_heads * per_head if per_head else config.hidden_size)


def _of_linear_layers(module: nn.Module, config: Any = None) -> int:
    """FLOPs a token of all linear layers below `module`, but for a pooler's."""
    flops = 0
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear) and not name.startswith("pooler"):
            # Not the weight's size: under ZeRO-3 a rank may hold none of it.
            cost = _TRAINED if layer.weight.requires_grad else _FROZEN
            flops += cost * layer.in_features * layer.out_features * _times_used(name, config)
    return flops


def _times_used(name: str, config: Any) -> int:
    """How often the forward pass goes through a layer: ALBERT has a few for all its depth."""
    if getattr(config, "model_type", None) == "albert" and "albert_layer_groups" in name:
        return int(config.num_hidden_layers // config.num_hidden_groups)
    return 1


def _of_head(head: nn.Module, model: MultiTaskModel) -> int:
    flops = _of_linear_layers(head)
    if isinstance(head, MaskedHead):
        # The outputs are a product with the word embeddings.
        words: Any = model.encoder.get_input_embeddings()
        cost = _TRAINED if words.weight.requires_grad else _FROZEN
        flops += cost * words.num_embeddings * words.embedding_dim
    return flops
