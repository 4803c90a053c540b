"""The sides of the padding bench: the same rows padded and packed, and ways to attend in them."""

import argparse
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dstilts.bench.attention_peers import gpu_peers
from dstilts.engine.plan import TaskRows
from dstilts.models.encoder import EncoderBundle
from dstilts.models.layers import checkpoint_activations, compile_layers
from dstilts.models.multitask import MultiTaskModel
from dstilts.models.packed_attention import Kernel
from dstilts.models.packing import pack
from dstilts.sampling.batches import BatchPlan

Inputs = dict[str, Tensor | str]
IN_ORDER = "padded, rows as they come"
GROUPED = "padded, rows grouped by length"
PACKED_IN_ORDER = "packed, rows as they come"
PACKED = "packed, rows grouped by length"


@dataclass(frozen=True)
class Side:
    """One way to compute the same rows.

    Attributes:
        kernel: of the attention; without it the one that training takes.
    """

    name: str
    model: MultiTaskModel
    batches: list[Inputs]
    num_tokens: int
    num_computed: int  # padding included
    kernel: Kernel | None = None


def make_sides(
    options: argparse.Namespace, bundle: EncoderBundle, rows: TaskRows, model: MultiTaskModel
) -> Iterator[Side]:
    """All sides, those with other kernels where there is a GPU."""
    tokens, number = options.tokens, options.micro_batches
    plan = BatchPlan(rows.lengths, seed=1, name="padding", tokens=tokens, micro_batches=number)
    grouped = plan.batch_at(0)
    order = np.random.default_rng(1).permutation(len(rows.rows))
    padded_runs = cut_in_order(order, rows.lengths, tokens, number, padded=True)
    packed_runs = cut_in_order(order, rows.lengths, tokens, number, padded=False)

    def side(name: str, chosen: Sequence[np.ndarray], packed: bool, **more: Any) -> Side:
        batches = [_batch(rows, some, bundle, packed) for some in chosen]
        lengths = [rows.lengths[some] for some in chosen]
        num_tokens = int(sum(each.sum() for each in lengths))
        num_padded = int(sum(each.max() * len(each) for each in lengths))
        computed = num_tokens if packed else num_padded
        return Side(name, more.pop("model", model), batches, num_tokens, computed, **more)

    yield side(IN_ORDER, padded_runs, packed=False)
    yield side(GROUPED, grouped, packed=False)
    yield side(PACKED_IN_ORDER, packed_runs, packed=True)
    yield side(PACKED, grouped, packed=True)
    if torch.cuda.is_available():
        for name, kernel in gpu_peers().items():
            yield side(f"{PACKED}, {name}", grouped, packed=True, kernel=kernel)
    for name, change in _changes(options).items():
        changed = copy.deepcopy(model)
        change(changed)
        yield side(f"{GROUPED}, {name}", grouped, packed=False, model=changed)
        yield side(f"{PACKED}, {name}", grouped, packed=True, model=changed)


def _changes(options: argparse.Namespace) -> dict[str, Callable[[MultiTaskModel], None]]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    changes: dict[str, Callable[[MultiTaskModel], None]] = {}
    if options.checkpoint:
        changes["checkpointed"] = lambda model: checkpoint_activations(model.encoder)
    if options.compile:
        changes["compiled"] = lambda model: compile_layers(model.encoder, device)
    return changes


def cut_in_order(
    order: np.ndarray, lengths: np.ndarray, tokens: int, number: int, *, padded: bool
) -> list[np.ndarray]:
    """The first runs of `order` that fit a budget, with or without their padding.

    Args:
        order: indices into `lengths`.
        number: of the runs.
    """
    runs: list[np.ndarray] = []
    start = 0
    while start < len(order) and len(runs) < number:
        behind = lengths[order[start:]]
        counts = np.arange(1, len(behind) + 1)
        sizes = np.maximum.accumulate(behind) * counts if padded else np.cumsum(behind)
        size = max(1, int(np.searchsorted(sizes, tokens, side="right")))
        runs.append(order[start : start + size])
        start += size
    return runs


def _batch(rows: TaskRows, chosen: np.ndarray, bundle: EncoderBundle, packed: bool) -> Inputs:
    tensors = rows.batch([(chosen, (1, 0, 0))], int(bundle.tokenizer.pad_token_id))
    if packed:
        tensors = pack(tensors, bundle.model.config)
    device = bundle.model.device
    return {**{name: tensor.to(device) for name, tensor in tensors.items()}, "head": rows.head}
