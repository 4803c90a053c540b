"""Rows, lengths and counts of a training set: as counted one by one, and kept in the cache."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.core.random_numbers import stream
from dstilts.engine.phase import BatchConfig
from dstilts.engine.rows import SetFacts, cached_rows, encode_options, open_rows
from dstilts.models.collate import collate
from dstilts.models.encoder import load_encoder
from dstilts.tasks import encode as encode_module
from dstilts.tasks.catalog import task
from dstilts.tasks.encode import encode
from dstilts.tasks.examples import ExampleSet, TaggingExample
from dstilts.tasks.training_sets import with_labels
from tests.distributed.phases import made_up

TASKS = ("mnli", "socialiqa", "squad_v1", "squad_v2", "udpos", "ccg", "mlm", "lareqa")
BATCH = BatchConfig(max_length=32, max_length_span=24)


@pytest.fixture
def tokenizer(encoder: Path) -> PreTrainedTokenizerFast:
    return load_encoder(str(encoder)).tokenizer


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    # Tables of several parts, as those of large sets are.
    monkeypatch.setattr(encode_module, "_BATCH_SIZE", 16)


def examples_of(name: str) -> ExampleSet:
    if name != "ccg":
        return made_up(name, 50)
    sentences = [
        TaggingExample(str(n), ("a", "b") * (n % 5 + 1), ("N", f"T{n % 7}") * (n % 5 + 1))
        for n in range(50)
    ]
    return ExampleSet("ccg", "train", "en", "made up", tuple(sentences), subset="a few")


def count(row: dict[str, object], kind: str) -> int:
    """What a row adds to the loss's denominator."""
    match kind:
        case "tagging":
            return sum(label != -100 for label in row["labels"])
        case "mlm":
            return row["num_masked"]
        case "retrieval":
            return 1
        case "span":
            return int(row["start"] != -100)
    return int(row["label"] != -100)


@pytest.mark.parametrize("name", TASKS)
def test_rows_are_those_with_a_loss(name: str, tokenizer: PreTrainedTokenizerFast) -> None:
    examples = examples_of(name)
    found = open_rows(cached_rows(examples, tokenizer, BATCH), tokenizer)
    spec = with_labels(task(name), examples)
    encoded = list(encode(examples, spec, tokenizer, encode_options(spec.kind, BATCH)))
    counts = [count(row, spec.kind) for row in encoded]
    used = [number for number, each in enumerate(counts) if each]
    assert found.rows.tolist() == used
    assert found.counts.tolist() == [counts[number] for number in used]
    assert found.lengths.tolist() == [encoded[number]["length"] for number in used]
    assert found.num_examples == 50
    assert found.kind == spec.kind
    assert found.head == spec.head
    assert len(used) < len(encoded) or name != "squad_v1"
    assert len(found.table.data.column(0).chunks) > 1


@pytest.mark.parametrize("name", TASKS)
def test_a_batch_is_that_of_the_table_rows(name: str, tokenizer: PreTrainedTokenizerFast) -> None:
    found = open_rows(cached_rows(examples_of(name), tokenizer, BATCH), tokenizer)
    chosen = np.random.default_rng(1).permutation(len(found.rows))[:23]
    places = [(chosen[:11], (1, 2, 3)), (chosen[11:], (1, 2, 4))]
    rows = []
    for numbers, place in places:
        # As lists, one Python number a token.
        some = [found.table[int(found.rows[number])] for number in numbers]
        if found.masking is not None:
            some = found.masking.apply(some, stream("masking", found.task, *place))
        rows += some
    expected = collate(rows, found.kind, 1)
    made = found.batch(places, 1)
    assert list(made) == list(expected)
    for column, tensor in expected.items():
        assert made[column].dtype == tensor.dtype == torch.int64
        assert torch.equal(made[column], tensor), column


def test_the_facts_tell_a_set_without_its_examples(tokenizer: PreTrainedTokenizerFast) -> None:
    examples = examples_of("ccg")
    facts = cached_rows(examples, tokenizer, BATCH)
    assert facts.spec == with_labels(task("ccg"), examples)
    assert facts.labels == ("N", *(f"T{n}" for n in range(7)))
    assert (facts.num_examples, facts.num_items) == (50, 50)
    assert (facts.subset, facts.digest) == ("a few", examples.digest())
    pairs = cached_rows(made_up("lareqa", 30), tokenizer, BATCH)
    assert (pairs.num_examples, pairs.num_items) == (60, 30)


def test_what_is_no_longer_in_the_cache(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    facts = cached_rows(made_up("mnli", 9), tokenizer, BATCH)
    assert facts.is_cached
    (folder,) = filter(Path.is_dir, (tmp_path / "cache" / "rows").iterdir())
    folder.rename(tmp_path / "elsewhere")
    assert not facts.is_cached
    with pytest.raises(UserError, match="removed from the cache"):
        open_rows(facts, tokenizer)


def test_nothing_to_learn_leaves_nothing(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    unlabelled = ExampleSet(
        "udpos", "train", "en", "made up", (TaggingExample("1", ("a", "b"), ()),)
    )
    with pytest.raises(UserError, match="no example of 'udpos' has a label"):
        cached_rows(unlabelled, tokenizer, BATCH)
    assert not [path for path in (tmp_path / "cache" / "rows").iterdir() if path.is_dir()]
    assert isinstance(cached_rows(made_up("udpos", 3), tokenizer, BATCH), SetFacts)
