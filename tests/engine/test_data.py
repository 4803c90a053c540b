"""From tasks to heads and rows, and what the manifest says of them."""

import dataclasses
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.data import describe, encode_options, heads_of, load_examples, token_rows
from dstilts.engine.phase import BatchConfig, TaskUse
from dstilts.models.encoder import load_encoder
from dstilts.models.heads import HeadSpec
from dstilts.tasks.catalog import NLI_LABELS
from dstilts.tasks.examples import ExampleSet, PairExample
from tests.distributed.phases import made_up, phase


def test_tasks_of_one_head_share_it() -> None:
    heads = heads_of([made_up("mnli", 2), made_up("snli", 2), made_up("squad_v1", 2)])
    assert heads == {"nli": HeadSpec("pair", NLI_LABELS), "span": HeadSpec("span")}


def test_choices_have_rows(encoder: Path) -> None:
    tokenizer = load_encoder(str(encoder)).tokenizer
    (task,) = token_rows([made_up("socialiqa", 9)], tokenizer, BatchConfig(), ProcessGroup())
    batch = task.batch(task.rows[:4], 1)
    assert batch["input_ids"].shape[0] == 4 * 3
    assert task.counts.tolist() == [1] * 9


def test_examples_without_a_label_are_left_out(encoder: Path) -> None:
    examples = (PairExample("1", "a", "b", None), PairExample("2", "a", "b", NLI_LABELS[1]))
    some = ExampleSet("mnli", "train", "en", "made up", examples)
    tokenizer = load_encoder(str(encoder)).tokenizer
    (task,) = token_rows([some], tokenizer, BatchConfig(), ProcessGroup())
    assert task.rows.tolist() == [1]
    none = dataclasses.replace(some, examples=examples[:1])
    with pytest.raises(UserError, match="no example of 'mnli' has a label"):
        token_rows([none], tokenizer, BatchConfig(), ProcessGroup())


def test_windows_overlap_whatever_their_length() -> None:
    assert encode_options("span", BatchConfig()).doc_stride == 128
    assert encode_options("span", BatchConfig(max_length_span=96)).doc_stride == 32
    assert encode_options("pair", BatchConfig(max_length=50)).max_length == 50


def test_a_zero_shot_task_is_trained_on_its_english_one(tmp_path: Path) -> None:
    config = dataclasses.replace(
        phase(tmp_path, Path("none"), "xnli"), tasks=(TaskUse("xnli", examples=30),)
    )
    sets, source = load_examples(config)
    assert [examples.task for examples in sets] == ["mnli"]
    said = describe(config, sets, source)["xnli"]
    assert isinstance(said, dict)
    assert said["num_examples"] == 30
    assert said["train_task"] == "mnli"
    assert said["source"]["name"] == "phrasebook"


@pytest.mark.parametrize(("name", "message"), [("tatoeba", "without training"), ("mnlj", "'mnli'")])
def test_what_is_not_trained_on(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_examples(phase(tmp_path, Path("none"), name))
