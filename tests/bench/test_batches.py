"""The peers' batches: padding, and counts that agree with those of a plan."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dstilts.bench.batches import Collator, Counts, rows_of
from dstilts.bench.comparison import Comparison
from dstilts.bench.ours import phase_of
from dstilts.engine.data import heads_of
from dstilts.engine.flops import ModelFlops
from dstilts.engine.plan import TaskRows, TrainingPlan
from dstilts.models.encoder import load_encoder
from dstilts.models.multitask import MultiTaskModel
from tests.distributed.phases import made_up


def test_full_padding_adds_nothing_that_is_seen(rows: TaskRows) -> None:
    chosen = sorted(rows_of(rows), key=lambda row: len(row["input_ids"]))[:4]
    short, full = Collator(rows, 1)(chosen), Collator(rows, 1, 128)(chosen)
    width = short["input_ids"].shape[1]
    assert width < 128
    assert full["input_ids"].shape == (4, 128)
    assert full["input_ids"][:, width:].eq(1).all()
    assert full["attention_mask"][:, width:].eq(0).all()
    for name, tensor in short.items():
        assert torch.equal(full[name][:, :width] if tensor.dim() > 1 else full[name], tensor)


@pytest.fixture
def flops(encoder: Path) -> ModelFlops:
    return ModelFlops.of(
        MultiTaskModel(load_encoder(str(encoder)).model, heads_of([made_up("mnli")]))
    )


def test_counts_are_of_the_timed_steps(rows: TaskRows, flops: ModelFlops) -> None:
    collator = Collator(rows, 1, 128)
    for start in range(0, 40, 10):
        collator(rows_of(rows)[start : start + 10])
    collator([rows_of(rows)[0]])  # made ahead of time, and never trained on
    found = Counts.of_batches(collator, slice(1, 4), flops)
    assert found.num_examples == 30
    assert found.num_tokens == rows.lengths[10:].sum()
    assert found.num_padded_tokens == 30 * 128


def test_peers_and_plan_are_counted_alike(
    rows: TaskRows, flops: ModelFlops, encoder: Path, tmp_path: Path
) -> None:
    """The same rows need the same operations, whoever trains on them."""
    config = phase_of(Comparison().job("mnli", str(encoder), tmp_path))
    steps = [TrainingPlan(config, [rows]).at(step) for step in range(3)]
    collator = Collator(rows, 1)
    parts = [part for step in steps for part in step.micro_batches]
    for part in parts:
        collator([rows_of(rows)[index] for index in part.rows])
    theirs = Counts.of_batches(collator, slice(0, len(parts)), flops)
    ours = Counts.of_plan(steps, flops, 1)
    assert ours.flops == pytest.approx(theirs.flops)
    assert (ours.num_examples, ours.num_tokens, ours.num_padded_tokens) == (
        theirs.num_examples,
        theirs.num_tokens,
        theirs.num_padded_tokens,
    )
    half = Counts.of_plan(steps, flops, 2)
    assert half.num_tokens == ours.num_tokens // 2
    assert np.isclose(half.flops * 2, ours.flops)
