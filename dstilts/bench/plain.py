"""The model that the peers train, and the held-out loss by which all sides are compared."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from dstilts.bench.batches import rows_of
from dstilts.engine.plan import TaskRows
from dstilts.models.collate import collate
from dstilts.models.heads import HeadSpec, build_head, initialise
from dstilts.models.multitask import head_dropout

_HELD_OUT_ROWS = 16  # of a batch; the loss depends on it by rounding alone


class PlainModel(nn.Module):
    """An encoder as transformers runs it, with one head; gives the mean loss of a batch.

    Args:
        seed: of the head's first weights, which are those that dstilts gives it.
    """

    def __init__(self, encoder: PreTrainedModel, spec: HeadSpec, name: str, seed: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = build_head(spec, encoder.config.hidden_size, head_dropout(encoder.config))
        initialise(self.head, name, seed)

    # The arguments are spelled out: with **kwargs the Trainer takes a model for one that divides
    # its loss by a count that the Trainer passes in.
    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        label: Tensor | None = None,
        start: Tensor | None = None,
        end: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The mean loss, under "loss"."""
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        hidden = self.encoder(input_ids, attention_mask=attention_mask, **types).last_hidden_state
        batch = {"attention_mask": attention_mask, "label": label, "start": start, "end": end}
        return {"loss": self.head.loss_sum(self.head(hidden, batch), batch) / len(input_ids)}


@torch.inference_mode()
def held_out_loss(model: PlainModel, task: TaskRows, pad_id: int) -> float:
    """The mean loss over all rows of `task` in evaluation mode and fp32, shortest rows first."""
    device = next(model.parameters()).device
    model.eval()
    total, rows = 0.0, rows_of(task)
    for chosen in _in_order(task.lengths):
        batch = collate([rows[index] for index in chosen], task.kind, pad_id)
        loss = model(**{name: tensor.to(device) for name, tensor in batch.items()})["loss"]
        total += float(loss) * len(chosen)  # a host-device sync
    return total / len(rows)


def _in_order(lengths: np.ndarray) -> Iterator[list[int]]:
    order = np.argsort(lengths, kind="stable").tolist()
    for start in range(0, len(order), _HELD_OUT_ROWS):
        yield order[start : start + _HELD_OUT_ROWS]
