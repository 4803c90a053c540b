"""Token rows to padded tensors.

Shapes: B rows, C choices of a row, T tokens of the longest row.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dstilts.tasks.encode_options import IGNORED
from dstilts.tasks.examples import Kind

Row = Mapping[str, Any]


def collate(rows: Sequence[Row], kind: Kind, pad_id: int) -> dict[str, Tensor]:
    """A batch padded to its longest row. Sequences are lists or arrays of any integers.

    Always `input_ids` and `attention_mask` (B, T), with `token_type_ids` where the rows have them.
    By kind: pair and choice `label` (B,), span `start` and `end` (B,), tagging `labels` (B, T). The
    choices of a row stand side by side as rows of their own: (B * C, T); so do the question and the
    candidate of a ranking task's training row, with `candidate` (B,). Of mlm the M masked tokens:
    `masked` (M,), their places in the flattened batch, and `targets` (M,), what they were.
    """
    is_ranking = kind == "retrieval" and "candidate" in rows[0]
    prefix = "choice_" if kind == "choice" or is_ranking else ""
    ids = _sequences(rows, f"{prefix}input_ids")
    batch = {
        "input_ids": _pad(ids, pad_id),
        "attention_mask": _mask(ids),
    }
    if f"{prefix}token_type_ids" in rows[0]:
        batch["token_type_ids"] = _pad(_sequences(rows, f"{prefix}token_type_ids"), 0)
    match kind:
        case "pair" | "choice":
            batch["label"] = torch.tensor([row["label"] for row in rows])
        case "span":
            batch["start"] = torch.tensor([row["start"] for row in rows])
            batch["end"] = torch.tensor([row["end"] for row in rows])
        case "tagging":
            batch["labels"] = _pad([row["labels"] for row in rows], IGNORED)
        case "retrieval":
            if is_ranking:
                batch["candidate"] = torch.tensor([row["candidate"] for row in rows])
        case "mlm":
            labels = _pad([row["labels"] for row in rows], IGNORED).flatten()
            batch["masked"] = (labels != IGNORED).nonzero().flatten()
            batch["targets"] = labels[batch["masked"]]
    return batch


def _sequences(rows: Sequence[Row], name: str) -> list[Sequence[int]]:
    if name.startswith("choice_"):
        return [choice for row in rows for choice in row[name]]
    return [row[name] for row in rows]


def _pad(sequences: Sequence[Sequence[int]], value: int) -> Tensor:
    padded = np.full((len(sequences), max(map(len, sequences))), value, dtype=np.int64)
    for line, sequence in zip(padded, sequences, strict=True):
        line[: len(sequence)] = sequence
    return torch.from_numpy(padded)


def _mask(sequences: Sequence[Sequence[int]]) -> Tensor:
    lengths = np.array([len(sequence) for sequence in sequences])
    return torch.from_numpy((np.arange(lengths.max()) < lengths[:, None]).astype(np.int64))
