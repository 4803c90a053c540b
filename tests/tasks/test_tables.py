"""Token tables: the rows of `encode`, mapped from the cache, built once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.tasks import tables
from dstilts.tasks.catalog import task
from dstilts.tasks.encode import EncodeOptions, encode, encode_batches
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)
from dstilts.tasks.tables import token_table
from tests.tiny import SENTENCES

EXAMPLES = {
    "xnli": [PairExample("1", SENTENCES["en"], SENTENCES["th"], "neutral")],
    "commonsenseqa": [ChoiceExample("1", "", "Where?", ("a", "book", "the car"), 1)],
    "xquad": [SpanExample("1", SENTENCES["zh"] * 9, "?", (Answer("老师", 0),))],
    "udpos": [TaggingExample("1", ("The", "book"), ("DET", "NOUN"))],
    "tatoeba": [SentenceExample("1", SENTENCES["ar"], "source", ())],
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path))
    return tmp_path / "tokens"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_table_has_the_rows_of_encode(name: str, tokenizer, example_set) -> None:
    examples = example_set(name, EXAMPLES[name])
    options = EncodeOptions(max_length=64, doc_stride=32)
    table = token_table(examples, task(name), tokenizer, options)
    assert list(table) == list(encode(examples, task(name), tokenizer, options))
    assert table.cache_files, "mapped, not read into memory"


def test_a_table_is_built_once(
    cache: Path, tokenizer: PreTrainedTokenizerFast, example_set, monkeypatch
) -> None:
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        yield from encode_batches(*arguments)

    monkeypatch.setattr(tables, "encode_batches", counted)
    examples = example_set("udpos", EXAMPLES["udpos"] * 50)

    def build(_: int) -> int:
        return len(token_table(examples, task("udpos"), tokenizer, EncodeOptions()))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(build, range(8))) == [50] * 8
    assert len(calls) == 1
    assert sorted(path.suffix for path in cache.iterdir()) == ["", ".lock"]


def test_other_options_or_examples_are_another_table(
    cache: Path, tokenizer: PreTrainedTokenizerFast, example_set
) -> None:
    for options in (EncodeOptions(), EncodeOptions(label_token="first")):
        for tag in ("NOUN", "PROPN"):
            example = TaggingExample("1", ("book",), (tag,))
            token_table(example_set("udpos", [example]), task("udpos"), tokenizer, options)
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 4


def test_a_broken_build_leaves_nothing(cache: Path, tokenizer, example_set) -> None:
    examples = example_set("udpos", [*EXAMPLES["udpos"], TaggingExample("2", ("a",), ("Z",))])
    with pytest.raises(UserError, match="unknown tag"):
        token_table(examples, task("udpos"), tokenizer, EncodeOptions())
    assert not [path for path in cache.iterdir() if path.is_dir()]


def test_no_examples(cache: Path, tokenizer: PreTrainedTokenizerFast, example_set) -> None:
    with pytest.raises(UserError, match="no examples"):
        token_table(example_set("udpos", []), task("udpos"), tokenizer, EncodeOptions())
    assert not cache.exists()
