"""A larger training set: a second start reads no example, and steps take no memory."""

import json
import multiprocessing
import os
import signal
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.core.random_numbers import stream
from dstilts.core.resident import resident_bytes
from dstilts.engine import data
from dstilts.engine.batches import BatchMaker
from dstilts.engine.data import (
    PreparedTasks,
    examples_of,
    heads_of,
    prepare_tasks,
    token_rows,
)
from dstilts.engine.phase import BatchConfig, DataConfig, MixtureConfig, PhaseConfig, TaskUse
from dstilts.engine.plan import TrainingPlan
from dstilts.engine.prefetch import prefetched
from dstilts.models.encoder import load_encoder
from dstilts.tasks import tables, training_sets
from dstilts.tasks.encode import encode_batches
from dstilts.tasks.local import LocalSource
from dstilts.tasks.transform.apply import TransformConfig
from dstilts.tasks.transform.few_shot import FewShot
from tests.tiny import SENTENCES

NUM_PAIRS = 20_000
WORDS = SENTENCES["en"].split()
LABELS = ("entailment", "neutral", "contradiction")
TRAIN = "mnli/multinli_1.0_train.jsonl"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    _forget()
    return tmp_path / "cache"


@pytest.fixture
def tokenizer(encoder: Path) -> PreTrainedTokenizerFast:
    return load_encoder(str(encoder)).tokenizer


@pytest.fixture(scope="module")
def whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MNLI's train file and XNLI's evaluation sets in two languages, one text in both."""
    return write_data(tmp_path_factory.mktemp("data"), NUM_PAIRS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data", 300)


def write_data(folder: Path, num_pairs: int) -> Path:
    draws = stream("pairs", num_pairs)
    lines = []
    for number in range(num_pairs):
        lengths = draws.integers(1, 12, size=2).tolist()
        first, second = (" ".join(draws.choice(WORDS, size=n)) for n in lengths)
        row = {"gold_label": LABELS[number % 3], "sentence1": first, "sentence2": second}
        lines.append(json.dumps({**row, "pairID": f"{number}e"}))
    shared = json.loads(lines[7])
    evaluation = "\t".join((shared["sentence1"], shared["sentence2"], "neutral")) + "\n"
    for name, text in {
        TRAIN: "\n".join(lines) + "\n",
        "xnli/dev-en.tsv": evaluation,
        "xnli/dev-de.tsv": "Es regnet.\tEs schneit.\tneutral\nEs taut.\tEs friert.\tentailment\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def phase(folder: Path, *uses: TaskUse, **changes: object) -> PhaseConfig:
    return PhaseConfig(
        name="large",
        role="intermediate",
        output=folder / "model",
        tasks=uses or (TaskUse("mnli"),),
        data=DataConfig("local", folder),
        batch=BatchConfig(tokens=512, micro_batches=4, max_length=64),
        **changes,
    )


def _forget() -> None:
    """What a process keeps in memory of training sets, as a new one would."""
    training_sets._kept.clear()


def _never(*arguments: object) -> None:
    raise AssertionError("examples are read")


def assert_equal(one: PreparedTasks, other: PreparedTasks) -> None:
    assert one.heads == other.heads
    assert list(one.heads) == list(other.heads)
    assert json.dumps(one.data) == json.dumps(other.data)
    for rows, others in zip(one.rows, other.rows, strict=True):
        for field in ("rows", "lengths", "counts"):
            np.testing.assert_array_equal(getattr(rows, field), getattr(others, field))
            assert getattr(rows, field).dtype == getattr(others, field).dtype
        for field in ("task", "kind", "head", "num_examples"):
            assert getattr(rows, field) == getattr(others, field)
        assert rows.table.cache_files == others.table.cache_files


def from_sets(config: PhaseConfig, tokenizer: PreTrainedTokenizerFast) -> PreparedTasks:
    """The same from the examples themselves."""
    assert config.data.folder is not None
    source = LocalSource(config.data.folder)
    sets = [examples_of(use, source, config.seed) for use in config.tasks]
    described = {
        use.task: {
            "source": source.identity(),
            "train_task": examples.task,
            "split": examples.split,
            "language": examples.language,
            "subset": examples.subset,
            "num_examples": len(examples),
            "digest": examples.digest(),
        }
        for use, examples in zip(config.tasks, sets, strict=True)
    }
    rows = token_rows(sets, tokenizer, config.batch, ProcessGroup())
    return PreparedTasks(rows, heads_of(sets), described)


def test_a_second_start_reads_no_example(
    whole_folder: Path, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = TransformConfig(few_shot=FewShot("xnli", ("de",), 1))
    config = phase(whole_folder, TaskUse("mnli"), TaskUse("xnli", examples=99, transform=few))
    first = prepare_tasks(config, tokenizer, ProcessGroup())
    # One is left out: it stands in an evaluation set.
    assert first.data["mnli"]["num_examples"] == NUM_PAIRS - 1
    assert first.data["mnli"]["subset"] == "less 1 that stand in an evaluation set"
    assert first.data["xnli"]["num_examples"] == 99
    assert_equal(first, from_sets(config, tokenizer))

    _forget()
    monkeypatch.setattr(LocalSource, "load", _never)
    monkeypatch.setattr(tables, "encode_batches", _never)
    assert_equal(first, prepare_tasks(config, tokenizer, ProcessGroup()))
    with pytest.raises(AssertionError, match="examples are read"):
        prepare_tasks(phase(whole_folder, TaskUse("mnli", examples=98)), tokenizer, ProcessGroup())


def test_what_is_shared(
    folder: Path, cache: Path, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_tasks(phase(folder), tokenizer, ProcessGroup())
    prepare_tasks(phase(folder, TaskUse("mnli", examples=40)), tokenizer, ProcessGroup())
    _forget()
    with monkeypatch.context() as patched:
        patched.setattr(LocalSource, "load", _never)
        # All examples are the same for every seed, weight and name of the task.
        use, mixture = TaskUse("xnli", weight=2.0, loss_scale=0.5), MixtureConfig("explicit")
        prepare_tasks(phase(folder, use, seed=2, mixture=mixture), tokenizer, ProcessGroup())
        for use, seed in ((TaskUse("mnli", examples=40), 2), (TaskUse("mnli", examples=41), 1)):
            with pytest.raises(AssertionError, match="examples are read"):
                prepare_tasks(phase(folder, use, seed=seed), tokenizer, ProcessGroup())
    # More examples than there are: all of them, and the same token table.
    prepare_tasks(phase(folder, TaskUse("mnli", examples=5000)), tokenizer, ProcessGroup())
    assert len([path for path in (cache / "tokens").iterdir() if path.is_dir()]) == 2


def test_a_small_subset_does_not_encode_the_whole(
    whole_folder: Path, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []

    def counted(examples, *arguments):
        encoded.append(len(examples))
        yield from encode_batches(examples, *arguments)

    monkeypatch.setattr(tables, "encode_batches", counted)
    prepare_tasks(phase(whole_folder, TaskUse("mnli", examples=50)), tokenizer, ProcessGroup())
    assert encoded == [50]


def test_other_files_are_another_training_set(
    folder: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    config = phase(folder)
    first = prepare_tasks(config, tokenizer, ProcessGroup())
    lines = (folder / TRAIN).read_text().splitlines(keepends=True)
    (folder / TRAIN).write_text("".join(lines[:100]))
    _forget()
    second = prepare_tasks(config, tokenizer, ProcessGroup())
    assert second.data["mnli"]["num_examples"] == 99
    # Nor is a text trained on that has come to an evaluation set meanwhile.
    evaluation = folder / "xnli/dev-en.tsv"
    row = json.loads(lines[50])
    more = "\t".join((row["sentence1"], row["sentence2"], "neutral"))
    evaluation.write_text(evaluation.read_text() + more + "\n")
    _forget()
    third = prepare_tasks(config, tokenizer, ProcessGroup())
    assert third.data["mnli"]["num_examples"] == 98
    # The first files again: as before, but for the folder's state.
    (folder / TRAIN).write_text("".join(lines))
    evaluation.write_text("\n".join(evaluation.read_text().splitlines()[:1]) + "\n")
    _forget()
    again = prepare_tasks(config, tokenizer, ProcessGroup())
    assert again.data["mnli"]["digest"] == first.data["mnli"]["digest"]


def test_other_code_reads_again_but_shares_the_tokens(
    folder: Path, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare_tasks(phase(folder), tokenizer, ProcessGroup())
    read = []
    monkeypatch.setattr(data, "code_key", lambda: "other")
    monkeypatch.setattr(data, "examples_of", lambda *a: read.append(a[0]) or examples_of(*a))
    monkeypatch.setattr(tables, "encode_batches", _never)
    assert_equal(first, prepare_tasks(phase(folder), tokenizer, ProcessGroup()))
    assert read == [TaskUse("mnli")]


def test_a_table_that_was_removed_is_made_again(
    folder: Path, cache: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    first = prepare_tasks(phase(folder), tokenizer, ProcessGroup())
    for name in ("tokens", "rows"):
        for path in filter(Path.is_dir, (cache / name).iterdir()):
            path.rename(cache / f"removed-{name}")
        _forget()
        assert_equal(first, prepare_tasks(phase(folder), tokenizer, ProcessGroup()))


def test_files_that_change_while_they_are_read(
    folder: Path, cache: Path, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(*arguments):
        with (folder / TRAIN).open("a") as stream:
            stream.write("\n")
        return examples_of(*arguments)

    monkeypatch.setattr(data, "examples_of", change)
    with pytest.raises(UserError, match="files of mnli were changed while they were read"):
        prepare_tasks(phase(folder), tokenizer, ProcessGroup())
    assert not (cache / "training").exists()


def test_a_source_that_cannot_tell_is_read_again(
    folder: Path, cache: Path, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "contents", lambda *_: None)
    first = prepare_tasks(phase(folder), tokenizer, ProcessGroup())
    _forget()
    with monkeypatch.context() as patched:
        patched.setattr(tables, "encode_batches", _never)
        assert_equal(first, prepare_tasks(phase(folder), tokenizer, ProcessGroup()))
        patched.setattr(LocalSource, "load", _never)
        _forget()
        with pytest.raises(AssertionError, match="examples are read"):
            prepare_tasks(phase(folder), tokenizer, ProcessGroup())


def test_killed_while_building(
    whole_folder: Path, cache: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    child = multiprocessing.get_context("fork").Process(
        target=_killed_in_the_middle, args=(phase(whole_folder), tokenizer)
    )
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    found = [path.name for path in cache.glob("*/*") if path.is_dir()]
    assert all(name.startswith(".") for name in found), found
    prepared = prepare_tasks(phase(whole_folder), tokenizer, ProcessGroup())
    assert len(prepared.rows[0].rows) == NUM_PAIRS - 1


def _killed_in_the_middle(config: PhaseConfig, tokenizer: PreTrainedTokenizerFast) -> None:
    def killed(*arguments):
        for number, columns in enumerate(encode_batches(*arguments)):
            if number == 7:
                os.kill(os.getpid(), signal.SIGKILL)
            yield columns

    tables.encode_batches = killed
    prepare_tasks(config, tokenizer, ProcessGroup())


@pytest.mark.parametrize("depth", [0, 2])
def test_steps_take_no_memory(
    whole_folder: Path, tokenizer: PreTrainedTokenizerFast, depth: int
) -> None:
    config = phase(whole_folder)
    plan = TrainingPlan(config, prepare_tasks(config, tokenizer, ProcessGroup()).rows)
    batches = BatchMaker(config.seed, pad_id=1)

    def tokens(step: int) -> int:
        passes = batches.of_step(step, plan.at(step), ProcessGroup())
        return sum(each.tensors["input_ids"].numel() for each in passes)

    def take(first: int, last: int) -> None:
        with prefetched(range(first, last), tokens, depth) as made:
            assert sum(made) > 0

    take(0, 300)  # more than an epoch, so that every row has been seen
    assert plan.at(299).num_tokens
    tracemalloc.start()
    try:
        take(300, 500)
        before = (resident_bytes() or 0), tracemalloc.get_traced_memory()[0]
        take(500, 2500)
        after = (resident_bytes() or 0), tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after[1] - before[1] < 1 << 20
    assert after[0] - before[0] < 16 << 20
