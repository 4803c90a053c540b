"""Pairs, choices, sentences, and what all kinds of rows share."""

import dataclasses

import pytest
from transformers import PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.tasks import encode as encode_module
from dstilts.tasks.catalog import task
from dstilts.tasks.encode import EncodeOptions, encode
from dstilts.tasks.examples import ChoiceExample, PairExample, SentenceExample, TextExample
from tests.tiny import SENTENCES, byte_level_tokenizer, tiny_tokenizer

OPTIONS = EncodeOptions()
PAIRS = [
    PairExample(code, text, SENTENCES["en"], task("xnli").labels[number % 3])
    for number, (code, text) in enumerate(SENTENCES.items())
]


def test_pairs_are_what_the_tokenizer_gives(
    tokenizer: PreTrainedTokenizerFast, example_set
) -> None:
    rows = list(encode(example_set("xnli", PAIRS), task("xnli"), tokenizer, OPTIONS))
    for index, (pair, row) in enumerate(zip(PAIRS, rows, strict=True)):
        assert row["example"] == index
        assert row["input_ids"] == tokenizer(pair.text_a, pair.text_b)["input_ids"]
        assert row["length"] == len(row["input_ids"])
        assert task("xnli").labels[row["label"]] == pair.label
        assert "token_type_ids" not in row
    pieces = tokenizer.convert_ids_to_tokens(rows[0]["input_ids"])
    assert pieces.count("</s>") == 3, "<s> A </s></s> B </s>"


def test_rows_do_not_depend_on_the_batches(
    tokenizer: PreTrainedTokenizerFast, example_set, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(encode(example_set("xnli", PAIRS), task("xnli"), tokenizer, OPTIONS))
    monkeypatch.setattr(encode_module, "_BATCH_SIZE", 2)
    assert list(encode(example_set("xnli", PAIRS), task("xnli"), tokenizer, OPTIONS)) == whole


def test_long_pairs_keep_both_texts(tokenizer: PreTrainedTokenizerFast, example_set) -> None:
    pair = PairExample("long", SENTENCES["en"] * 5, "A new book?", None)
    options = EncodeOptions(max_length=40)
    (row,) = encode(example_set("xnli", [pair]), task("xnli"), tokenizer, options)
    assert row["length"] == 40
    assert row["label"] == -100
    assert tokenizer.decode(row["input_ids"], skip_special_tokens=True).endswith("A new book?")


def test_unknown_label(tokenizer: PreTrainedTokenizerFast, example_set) -> None:
    wrong = example_set("xnli", [PairExample("1", "a", "b", "entailmant")])
    with pytest.raises(UserError, match="did you mean 'entailment'"):
        list(encode(wrong, task("xnli"), tokenizer, OPTIONS))


def test_choices(tokenizer: PreTrainedTokenizerFast, example_set) -> None:
    examples = [
        ChoiceExample("1", "", "Where is the book?", ("garden", "river", "car"), 2),
        ChoiceExample("2", "The book was new.", "Who reads?", ("Maria", "the teacher"), None),
    ]
    first, second = encode(
        example_set("commonsenseqa", examples), task("commonsenseqa"), tokenizer, OPTIONS
    )
    assert first["choice_input_ids"] == [
        tokenizer("Where is the book?", choice)["input_ids"] for choice in examples[0].choices
    ]
    assert first["label"] == 2
    assert first["length"] == sum(map(len, first["choice_input_ids"]))
    prompt = "The book was new. Who reads?"
    assert second["choice_input_ids"][1] == tokenizer(prompt, "the teacher")["input_ids"]
    assert (second["label"], second["example"]) == (-100, 1)


def test_no_space_stands_for_an_empty_context(example_set) -> None:
    tokenizer = byte_level_tokenizer()
    choice = ChoiceExample("1", "", "Where?", ("garden",), 0)
    (row,) = encode(
        example_set("commonsenseqa", [choice]), task("commonsenseqa"), tokenizer, OPTIONS
    )
    assert row["choice_input_ids"] == [tokenizer("Where?", "garden")["input_ids"]]


def test_token_types_where_the_encoder_reads_them(example_set) -> None:
    typed = tiny_tokenizer()
    typed.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    (row,) = encode(example_set("xnli", PAIRS[:1]), task("xnli"), typed, OPTIONS)
    assert len(row["token_type_ids"]) == row["length"]
    choice = ChoiceExample("1", "", "Where?", ("garden", "river"), 0)
    (row,) = encode(example_set("commonsenseqa", [choice]), task("commonsenseqa"), typed, OPTIONS)
    assert [len(types) for types in row["choice_token_type_ids"]] == [
        len(ids) for ids in row["choice_input_ids"]
    ]


def test_sentences_of_both_sides(tokenizer: PreTrainedTokenizerFast, example_set) -> None:
    examples = [
        SentenceExample("de-1", SENTENCES["de"], "source", ("en-1",)),
        SentenceExample("en-1", SENTENCES["en"], "target", ("de-1",)),
    ]
    rows = list(encode(example_set("tatoeba", examples), task("tatoeba"), tokenizer, OPTIONS))
    assert [row["input_ids"] for row in rows] == [
        tokenizer(example.text)["input_ids"] for example in examples
    ]
    assert set(rows[0]) == {"example", "input_ids", "length"}


def test_a_candidate_is_a_pair_with_its_context(tokenizer, example_set) -> None:
    examples = [
        SentenceExample("q", SENTENCES["en"], "source", ("c",)),
        SentenceExample("c", SENTENCES["de"], "target", (), context=SENTENCES["ru"]),
    ]
    rows = list(encode(example_set("lareqa", examples), task("lareqa"), tokenizer, OPTIONS))
    assert rows[0]["input_ids"] == tokenizer(SENTENCES["en"])["input_ids"]
    assert rows[1]["input_ids"] == tokenizer(SENTENCES["de"], SENTENCES["ru"])["input_ids"]


def test_training_rows_of_a_ranking_task_are_questions_with_their_candidates(
    tokenizer, example_set
) -> None:
    candidates = [
        SentenceExample(f"c{i}", SENTENCES[c], "target", ()) for i, c in enumerate("de en".split())
    ]
    questions = [
        SentenceExample(f"q{i}", SENTENCES["hi"][: 10 + i], "source", (f"c{i % 2}",))
        for i in range(3)
    ]
    examples = dataclasses.replace(
        example_set("lareqa", [questions[0], *candidates, *questions[1:]]), split="train"
    )
    rows = list(encode(examples, task("lareqa"), tokenizer, OPTIONS))
    assert [row["example"] for row in rows] == [0, 3, 4]
    assert [row["candidate"] for row in rows] == [1, 2, 1]
    assert rows[1]["choice_input_ids"] == [
        tokenizer(questions[1].text)["input_ids"],
        tokenizer(candidates[1].text)["input_ids"],
    ]
    assert rows[1]["length"] == sum(map(len, rows[1]["choice_input_ids"]))


def test_raw_texts_know_how_many_tokens_to_mask(tokenizer, example_set) -> None:
    texts = [SENTENCES["en"] * 4, "a", "<s></s>"]
    examples = [TextExample(str(i), text) for i, text in enumerate(texts)]
    options = EncodeOptions(max_length=42)
    rows = list(encode(example_set("mlm", examples), task("mlm"), tokenizer, options))
    assert [len(row["input_ids"]) for row in rows[:2]] == [42, 3]
    assert [row["num_masked"] for row in rows] == [6, 1, 0]


@pytest.mark.parametrize(
    "wrong",
    [{"max_length": 3}, {"doc_stride": 0}, {"max_query_length": 0}, {"label_token": "last"}],
)
def test_options_out_of_range(wrong: dict) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        EncodeOptions(**wrong)


def test_default_lengths() -> None:
    assert EncodeOptions.for_kind("span").max_length == 384
    assert EncodeOptions.for_kind("tagging").max_length == 256
