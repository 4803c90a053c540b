"""Tagged words as rows: which sub-token is labelled, long sentences, words that vanish."""

from itertools import pairwise

import pytest
from transformers import PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.encode import EncodeOptions, encode
from dstilts.tasks.encode_options import IGNORED
from dstilts.tasks.encode_tagging import NO_WORD
from dstilts.tasks.examples import ExampleSet, TaggingExample
from tests.tiny import SPACE, byte_level_tokenizer, tiny_tokenizer

SPEC = task("udpos")
CHINESE = TaggingExample(
    "zh", ("老师", "看", "新", "书", "。"), ("NOUN", "VERB", "ADJ", "NOUN", "PUNCT")
)
ENGLISH = TaggingExample(
    "en", ("The", "old", "teacher", "reads", "books"), ("DET", "ADJ", "NOUN", "VERB", "NOUN")
)


def rows_of(*examples: TaggingExample, tokenizer, options: EncodeOptions | None = None):
    examples_set = ExampleSet("udpos", "dev", "xx", "local", examples)
    return list(encode(examples_set, SPEC, tokenizer, options or EncodeOptions()))


def tagged(row: dict) -> list[tuple[int, str]]:
    """(word, tag) at the labelled places, checked against each other."""
    places = [(w, label) for w, label in zip(row["word_index"], row["labels"], strict=True)]
    assert all((w < 0) == (label < 0) for w, label in places)
    return [(w, SPEC.labels[label]) for w, label in places if w >= 0]


@pytest.mark.parametrize("label_token", ["first", "first_nonbare"])
@pytest.mark.parametrize("example", [CHINESE, ENGLISH], ids=lambda e: e.id)
def test_every_word_has_one_label(label_token, example, tokenizer) -> None:
    (row,) = rows_of(example, tokenizer=tokenizer, options=EncodeOptions(label_token=label_token))
    assert tagged(row) == list(enumerate(example.tags))
    assert row["input_ids"] == tokenizer([*example.words], is_split_into_words=True)["input_ids"]
    assert row["length"] == len(row["labels"]) == len(row["input_ids"])


def test_the_bare_piece_is_passed_over(tokenizer: PreTrainedTokenizerFast) -> None:
    def labelled_pieces(label_token) -> list[str]:
        options = EncodeOptions(label_token=label_token)
        (row,) = rows_of(CHINESE, tokenizer=tokenizer, options=options)
        pieces = tokenizer.convert_ids_to_tokens(row["input_ids"])
        return [piece for piece, word in zip(pieces, row["word_index"], strict=True) if word >= 0]

    assert labelled_pieces("first") == [SPACE] * 5
    assert labelled_pieces("first_nonbare") == ["老", "看", "新", "书", "。"]


def test_a_word_that_is_only_a_bare_piece_keeps_its_label(tokenizer) -> None:
    (row,) = rows_of(TaggingExample("1", (SPACE, "new"), ("SYM", "ADJ")), tokenizer=tokenizer)
    assert tagged(row) == [(0, "SYM"), (1, "ADJ")]


def test_words_without_sub_tokens_become_unknown(tokenizer: PreTrainedTokenizerFast) -> None:
    example = TaggingExample("1", ("\u200b", "book", "\u200f"), ("X", "NOUN", "PUNCT"))
    rows = rows_of(ENGLISH, example, tokenizer=tokenizer)
    assert tagged(rows[1]) == [(0, "X"), (1, "NOUN"), (2, "PUNCT")]
    assert rows[1]["input_ids"].count(tokenizer.unk_token_id) == 2
    assert tagged(rows[0]) == list(enumerate(ENGLISH.tags)), "the neighbour is left alone"


def test_long_sentences_are_split_between_words(tokenizer: PreTrainedTokenizerFast) -> None:
    words, tags = ENGLISH.words * 6, ENGLISH.tags * 6
    example = TaggingExample("long", words, tags)
    options = EncodeOptions(max_length=16)
    rows = rows_of(ENGLISH, example, tokenizer=tokenizer, options=options)
    rows = [row for row in rows if row["example"] == 1]
    assert len(rows) > 3
    assert [pair for row in rows for pair in tagged(row)] == list(enumerate(tags))
    for row in rows:
        part = [word for word, _ in tagged(row)]
        assert part[0] == row["first_word"]
        alone = tokenizer([words[i] for i in part], is_split_into_words=True)["input_ids"]
        assert row["input_ids"] == alone
        assert row["length"] <= 16
    # Greedy: the next word would not have fitted.
    for row, after in pairwise(rows):
        word = tokenizer(words[after["first_word"]], add_special_tokens=False)["input_ids"]
        assert row["length"] + len(word) > 16


def test_of_a_word_longer_than_a_row_the_tail_is_dropped(tokenizer) -> None:
    example = TaggingExample("1", ("new", "xq" * 20, "book"), ("ADJ", "X", "NOUN"))
    rows = rows_of(example, tokenizer=tokenizer, options=EncodeOptions(max_length=12))
    assert [tagged(row) for row in rows] == [[(0, "ADJ")], [(1, "X")], [(2, "NOUN")]]
    assert rows[1]["length"] == 12


def test_byte_level_words_keep_their_space() -> None:
    tokenizer = byte_level_tokenizer()
    (row,) = rows_of(ENGLISH, tokenizer=tokenizer)
    assert row["input_ids"] == tokenizer(" ".join(ENGLISH.words))["input_ids"]
    assert tagged(row) == list(enumerate(ENGLISH.tags))
    labelled = [i for i, word in zip(row["input_ids"], row["word_index"], strict=True) if word >= 0]
    assert "".join(tokenizer.convert_ids_to_tokens(labelled)) == "Totrb", "not the space"


def test_token_types() -> None:
    typed = tiny_tokenizer()
    typed.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    (row,) = rows_of(ENGLISH, tokenizer=typed)
    assert len(row["token_type_ids"]) == row["length"]


def test_unknown_tag(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(UserError, match="unknown tag 'NOUNN'; did you mean 'NOUN'"):
        rows_of(TaggingExample("1", ("book",), ("NOUNN",)), tokenizer=tokenizer)


def test_sentences_without_tags_have_words_and_no_labels(tokenizer) -> None:
    example = TaggingExample("1", ("the", "old", "teacher"), ())
    examples = ExampleSet("udpos", "test", "en", "local", (example,))
    (row,) = encode(examples, task("udpos"), tokenizer, EncodeOptions())
    assert set(row["labels"]) == {IGNORED}
    assert [word for word in row["word_index"] if word != NO_WORD] == [0, 1, 2]
