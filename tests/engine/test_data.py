"""From tasks to heads and rows, and what the manifest says of them."""

import dataclasses
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.data import examples_of, heads_of, prepare_tasks, token_rows
from dstilts.engine.phase import BatchConfig, EarlyStopConfig, TaskUse
from dstilts.engine.rows import encode_options
from dstilts.engine.validation import validation_sets
from dstilts.models.encoder import load_encoder
from dstilts.models.heads import HeadSpec
from dstilts.tasks.catalog import NLI_LABELS
from dstilts.tasks.examples import ExampleSet, PairExample
from dstilts.tasks.open_source import open_source
from dstilts.tasks.transform.apply import TransformConfig
from dstilts.tasks.transform.code_switch import CodeSwitch
from dstilts.tasks.transform.few_shot import FewShot
from tests.distributed.phases import made_up, phase


def test_tasks_of_one_head_share_it() -> None:
    heads = heads_of([made_up("mnli", 2), made_up("snli", 2), made_up("squad_v1", 2)])
    assert heads == {"nli": HeadSpec("pair", NLI_LABELS), "span": HeadSpec("span")}


def test_choices_have_rows(encoder: Path) -> None:
    tokenizer = load_encoder(str(encoder)).tokenizer
    (task,) = token_rows([made_up("socialiqa", 9)], tokenizer, BatchConfig(), ProcessGroup())
    batch = task.batch([(task.rows[:4], ())], 1)
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


def test_a_zero_shot_task_is_trained_on_its_english_one(tmp_path: Path, encoder: Path) -> None:
    config = dataclasses.replace(
        phase(tmp_path, encoder, "xnli"), tasks=(TaskUse("xnli", examples=30),)
    )
    prepared = prepare_tasks(config, load_encoder(str(encoder)).tokenizer, ProcessGroup())
    assert [rows.task for rows in prepared.rows] == ["mnli"]
    said = prepared.data["xnli"]
    assert isinstance(said, dict)
    assert said["num_examples"] == 30
    assert said["train_task"] == "mnli"
    assert said["source"]["name"] == "phrasebook"


@pytest.mark.parametrize(("name", "message"), [("tatoeba", "without training"), ("mnlj", "'mnli'")])
def test_what_is_not_trained_on(tmp_path: Path, encoder: Path, name: str, message: str) -> None:
    tokenizer = load_encoder(str(encoder)).tokenizer
    with pytest.raises(UserError, match=message):
        prepare_tasks(phase(tmp_path, encoder, name), tokenizer, ProcessGroup())


def test_few_shot_examples_are_added_to_the_training_set() -> None:
    few = FewShot("xnli", languages=("de",), examples=6)
    use = TaskUse("mnli", examples=None, transform=TransformConfig(few_shot=few))
    source = open_source("phrasebook")
    training = examples_of(use, source, seed=1)
    plain = examples_of(TaskUse("mnli"), source, seed=1)
    added = {example.id for example in training.examples} - {e.id for e in plain.examples}
    assert len(added) == 6
    assert all(name.startswith("xnli-dev-de-") for name in added)


def test_a_dev_set_that_is_trained_on_does_not_validate(tmp_path: Path) -> None:
    source, stop = open_source("phrasebook", None), EarlyStopConfig(every=5)
    usual = phase(tmp_path / "usual", tmp_path, "mnli", "pawsx")
    uses = (usual.tasks[0], TaskUse("pawsx", split="dev"))
    assert [found.task for found in validation_sets(usual, stop, source)] == ["mnli", "pawsx"]
    trained = dataclasses.replace(usual, tasks=uses)
    assert [found.task for found in validation_sets(trained, stop, source)] == ["mnli"]
    training = examples_of(uses[1], source, seed=1)
    assert (training.split, training.subset) == ("dev", "the dev set")
    with pytest.raises(UserError, match="early_stop needs a validation set"):
        validation_sets(dataclasses.replace(usual, tasks=uses[1:]), stop, source)


def test_transformations_come_before_the_number_of_examples() -> None:
    switch = TransformConfig(code_switch=CodeSwitch(("de", "fr"), rate=1.0))
    source = open_source("phrasebook")
    use = TaskUse("mnli", examples=50, transform=switch)
    plain = examples_of(TaskUse("mnli", examples=50), source, seed=1)
    switched = examples_of(use, source, seed=1)
    assert [e.id for e in switched.examples] == [e.id for e in plain.examples]
    assert [e.label for e in switched.examples] == [e.label for e in plain.examples]
    changed = sum(a != b for a, b in zip(switched.examples, plain.examples, strict=True))
    assert changed > 30
    assert "code-switched" in str(switched.subset)
