"""FLOPs of a step against those that torch counts in a real forward and backward pass."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AlbertConfig, AlbertModel, AutoConfig, ModernBertConfig

from dstilts.engine.flops import ModelFlops
from dstilts.engine.plan import GlobalStep, MicroBatch, TaskRows
from dstilts.models.encoder import load_encoder
from dstilts.models.heads import HeadSpec
from dstilts.models.multitask import MultiTaskModel
from tests.tiny import tiny_encoder

ROWS, LENGTH, MASKED = 3, 24, 4
HEADS = {
    "nli": HeadSpec("pair", ("a", "b", "c")),
    "choice": HeadSpec("choice"),
    "span": HeadSpec("span"),
    "tags": HeadSpec("tagging", tuple("abcde")),
    "mlm": HeadSpec("mlm"),
}
# COPA has two choices.
TASKS = {"nli": "mnli", "choice": "copa", "span": "squad", "tags": "udpos", "mlm": "mlm"}


def step(head: str, name: str, *lengths: int, count: int = 1) -> GlobalStep:
    """A step of one micro-batch with rows of these lengths."""
    number = len(lengths)
    rows = TaskRows(
        task=name,
        kind=HEADS[head].kind,
        head=head,
        table=None,
        rows=np.arange(number),
        lengths=np.array(lengths),
        counts=np.full(number, count),
        num_examples=number,
    )
    return GlobalStep((rows,), (MicroBatch(0, 0, np.arange(number), 1.0),))


def batch(head: str, model: MultiTaskModel) -> tuple[dict, int]:
    """A batch of ROWS sequences without padding, and the examples in it."""
    torch.manual_seed(0)
    ids = torch.randint(5, 50, (ROWS * 2, LENGTH))
    number = ROWS if head == "choice" else ROWS * 2
    tensors = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "label": torch.zeros(number, dtype=torch.long),
        "start": torch.zeros(number, dtype=torch.long),
        "end": torch.zeros(number, dtype=torch.long),
        "labels": torch.zeros_like(ids),
        "masked": torch.arange(number * MASKED),
        "targets": torch.zeros(number * MASKED, dtype=torch.long),
        "head": head,
    }
    return tensors, number


def counted(model: MultiTaskModel, head: str) -> tuple[float, int]:
    tensors, number = batch(head, model)
    with FlopCounterMode(display=False) as counter:
        model(tensors).backward()
    return float(counter.get_total_flops()), number


def model_of(folder: Path, **heads: HeadSpec) -> MultiTaskModel:
    encoder = load_encoder(str(folder)).model
    encoder.set_attn_implementation("eager")  # whose products the counter sees one by one
    return MultiTaskModel(encoder, heads or HEADS).train()


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "mt5", "modernbert"])
@pytest.mark.parametrize("head", list(HEADS))
def test_as_many_as_torch_counts(tmp_path: Path, kind: str, head: str) -> None:
    model = model_of(tiny_encoder(tmp_path / kind, kind))
    expected, number = counted(model, head)
    length = LENGTH * 2 if head == "choice" else LENGTH
    work = step(head, TASKS[head], *[length] * number, count=MASKED if head == "mlm" else 1)
    # ModernBERT's angles are a product too, with one number a token: 0.1 % of a tiny model.
    assert ModelFlops.of(model)(work) == pytest.approx(expected, rel=2e-3)


def test_layers_that_are_used_again(tmp_path: Path) -> None:
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    config = AlbertConfig(
        vocab_size=60, embedding_size=16, num_hidden_layers=5, **sizes, max_position_embeddings=64
    )
    config._attn_implementation = "eager"
    model = MultiTaskModel(AlbertModel(config, add_pooling_layer=False), HEADS).train()
    expected, number = counted(model, "tags")
    work = step("tags", "udpos", *[LENGTH] * number)
    assert ModelFlops.of(model)(work) == pytest.approx(expected, rel=1e-6)


def test_frozen_embeddings_save_the_gradient_of_the_outputs(tmp_path: Path) -> None:
    model = model_of(tiny_encoder(tmp_path / "tiny"))
    whole = {head: ModelFlops.of(model)(step(head, TASKS[head], 10)) for head in ("mlm", "tags")}
    model.encoder.get_input_embeddings().weight.requires_grad_(False)
    expected, number = counted(model, "mlm")
    work = step("mlm", "mlm", *[LENGTH] * number, count=MASKED)
    assert ModelFlops.of(model)(work) == pytest.approx(expected, rel=1e-6)
    assert ModelFlops.of(model)(step("mlm", "mlm", 10)) < whole["mlm"]
    assert ModelFlops.of(model)(step("tags", "udpos", 10)) == whole["tags"]


def test_local_attention_counts_the_pairs_in_the_window() -> None:
    plain = ModelFlops(per_token=0, full_width=0, local_width=1, window=3, heads={"tags": 0})
    for length in range(1, 12):
        pairs = sum(abs(i - j) <= 3 for i in range(length) for j in range(length))
        assert plain(step("tags", "udpos", length)) == 12 * pairs
    full = dataclasses.replace(plain, full_width=5, local_width=0)
    assert full(step("tags", "udpos", 4, 7)) == 12 * 5 * (16 + 49)


def test_modernbert_has_two_kinds_of_layers(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "tiny", "modernbert")
    config = AutoConfig.from_pretrained(folder)
    assert isinstance(config, ModernBertConfig)
    flops = ModelFlops.of(model_of(folder))
    assert config.layer_types == ["full_attention", "sliding_attention"]
    assert (flops.full_width, flops.local_width) == (32, 32)
    assert flops.window == config.local_attention // 2


def test_a_question_and_its_candidate_do_not_see_each_other() -> None:
    counts = ModelFlops(per_token=10, full_width=1, local_width=0, window=0, heads={"r": 0})
    rows = dataclasses.replace(step("tags", "udpos", 8).tasks[0], kind="retrieval", head="r")
    work = GlobalStep((rows,), (MicroBatch(0, 0, np.arange(1), 1.0),))
    assert counts(work) == 10 * 8 + 12 * (4 * 4 + 4 * 4)
