"""Windows over contexts in many scripts, and answers cut back out of them."""

import dataclasses
from itertools import pairwise
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.models.encoder import load_encoder
from dstilts.tasks.catalog import task
from dstilts.tasks.encode import EncodeOptions, encode
from dstilts.tasks.encode_options import IGNORED
from dstilts.tasks.encode_span import decode
from dstilts.tasks.examples import Answer, ExampleSet, SpanExample
from dstilts.tasks.local import LocalSource
from tests.tiny import SENTENCES, tiny_tokenizer

SPEC = task("xquad")
SHORT = EncodeOptions(max_length=48, doc_stride=10, max_query_length=12)
ANSWERS = {
    "en": "three apples, two books",
    "de": "Äpfel",
    "ru": "три яблока",
    "ar": "الحديقة الصغيرة",
    "hi": "तीन सेब",
    "zh": "三个苹果",
    "ja": "新しい本",
    "th": "แอปเปิลสามลูก",
    "ko": "새 책",
}


def question(context: str, answer: str, text: str = "Where?") -> SpanExample:
    return SpanExample("q", context, text, (Answer(answer, context.index(answer)),))


def rows_of(example: SpanExample, tokenizer, options: EncodeOptions = SHORT) -> list[dict]:
    return list(
        encode(ExampleSet("xquad", "dev", "xx", "local", (example,)), SPEC, tokenizer, options)
    )


@pytest.mark.parametrize("language", ANSWERS)
def test_gold_positions_give_the_answer_back(
    language: str, tokenizer: PreTrainedTokenizerFast
) -> None:
    # Space runs, a newline, a tab and a no-break space before: offsets must be the original's.
    context = " \n" + "  ".join([SENTENCES[language], "\t\u00a0", SENTENCES[language]])
    example = question(context, ANSWERS[language])
    rows = rows_of(example, tokenizer)
    found = [row for row in rows if row["start"] >= 0]
    assert len(rows) > 2
    assert found
    for row in found:
        assert ANSWERS[language] in (text := decode(context, row, row["start"], row["end"]))
        # A piece may reach past the answer (a case ending, a full stop), never a whole word.
        assert len(text) <= len(ANSWERS[language]) + 2


def test_no_answer_is_the_first_token_in_every_window_without_one(tokenizer) -> None:
    context = " ".join([SENTENCES["en"]] * 2)
    answered = question(context, ANSWERS["en"])
    unanswered = dataclasses.replace(answered, answers=(), answerable=False)
    unlabelled = dataclasses.replace(answered, answers=())
    spec = task("squad_v2")

    def starts(example: SpanExample) -> list[int]:
        examples = ExampleSet("squad_v2", "dev", "en", "local", (example,))
        rows = list(encode(examples, spec, tokenizer, SHORT))
        assert [row["start"] <= row["end"] for row in rows] == [True] * len(rows)
        return [row["start"] for row in rows]

    assert set(starts(unanswered)) == {0}
    assert set(starts(unlabelled)) == {IGNORED}
    found = starts(answered)
    assert found.count(0) > 1
    assert max(found) > 0
    assert IGNORED not in found


@pytest.mark.data
@pytest.mark.parametrize("language", task("xquad").languages)
def test_every_answer_of_xquad_survives_its_windows(language: str, data_folder: Path) -> None:
    tokenizer = load_encoder("default").tokenizer
    examples = LocalSource(data_folder).load("xquad", "test", language)
    found, exact = set(), set()
    for row in encode(examples, SPEC, tokenizer, EncodeOptions.for_kind("span")):
        if row["start"] == IGNORED:
            continue
        example = examples.examples[row["example"]]
        assert isinstance(example, SpanExample)
        answer = example.answers[0]
        text = decode(example.context, row, row["start"], row["end"])
        found.add(row["example"])
        if text == answer.text:
            exact.add(row["example"])
        # Otherwise a piece holds the border: one token less on that side would lose some of it.
        assert answer.text in text
        first, last = (row[name] - row["context_start"] for name in ("start", "end"))
        assert row["char_ends"][first] > answer.start
        assert row["char_starts"][last] < answer.start + len(answer.text)
    assert len(found) == len(examples) == 1190
    # Pieces such as `").` and `(118)` hold a mark and a border of the answer.
    assert len(exact) >= 1130


def test_windows_are_regular_and_cover_the_context(tokenizer: PreTrainedTokenizerFast) -> None:
    context = SENTENCES["en"] * 2
    example = question(context, "London")
    rows = rows_of(example, tokenizer)
    whole = tokenizer("Where?", context)
    first = whole.sequence_ids().index(1)
    ids = whole["input_ids"]
    for number, row in enumerate(rows):
        begin = first + number * SHORT.doc_stride
        part = ids[begin : begin + len(row["char_starts"])]
        assert row["input_ids"] == [*ids[:first], *part, ids[-1]]
        assert row["length"] == len(row["input_ids"]) <= SHORT.max_length
        assert row["context_start"] == first
        assert len(row["char_ends"]) == len(part)
    assert all(row["length"] == SHORT.max_length for row in rows[:-1])
    assert rows[-1]["char_ends"][-1] == len(context)
    assert rows[-2]["char_ends"][-1] < len(context), "no window more than needed"


def test_an_answer_not_wholly_inside_is_ignored(tokenizer: PreTrainedTokenizerFast) -> None:
    words = SENTENCES["en"].split()
    for first, last in pairwise(words):
        example = question(SENTENCES["en"], f"{first} {last}")
        answer = example.answers[0]
        for row in rows_of(example, tokenizer):
            inside = row["char_starts"][0] <= answer.start
            inside &= row["char_ends"][-1] >= answer.start + len(answer.text)
            assert (row["start"] >= 0) == (row["end"] >= 0) == inside
            if inside:
                text = decode(example.context, row, row["start"], row["end"])
                assert text.startswith(answer.text)


def test_an_answer_inside_a_run_without_spaces_is_cut_out_exactly(tokenizer) -> None:
    (row,) = rows_of(question(SENTENCES["zh"], "小花园"), tokenizer, EncodeOptions())
    assert decode(SENTENCES["zh"], row, row["start"], row["end"]) == "小花园"


def test_a_short_context_is_one_row_as_the_tokenizer_gives_it(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    example = question("The book was new.", "new")
    (row,) = rows_of(example, tokenizer)
    assert row["input_ids"] == tokenizer("Where?", "The book was new.")["input_ids"]
    assert decode(example.context, row, row["start"], row["end"]).startswith("new")


def test_long_questions_lose_their_tail(tokenizer: PreTrainedTokenizerFast) -> None:
    example = question("The book was new.", "new", text=SENTENCES["en"])
    (row,) = rows_of(example, tokenizer)
    kept = tokenizer(SENTENCES["en"], add_special_tokens=False)["input_ids"][:12]
    assert row["input_ids"][: row["context_start"]] == [0, *kept, 2, 2]


def test_no_room_for_the_context(tokenizer: PreTrainedTokenizerFast) -> None:
    example = question("The book was new.", "new", text=SENTENCES["en"])
    options = EncodeOptions(max_length=16, max_query_length=12)
    with pytest.raises(UserError, match="leaves no room"):
        rows_of(example, tokenizer, options)


def test_a_context_of_spaces(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(UserError, match="'q' has no text"):
        rows_of(SpanExample("q", "\u200b", "Where?", ()), tokenizer)


def test_unanswered_and_token_types() -> None:
    typed = tiny_tokenizer()
    typed.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    rows = rows_of(SpanExample("q", SENTENCES["ru"], "Where?", ()), typed)
    for row in rows:
        assert (row["start"], row["end"]) == (-100, -100)
        assert len(row["token_type_ids"]) == row["length"]


def test_decode_refuses_positions_outside_the_context(tokenizer: PreTrainedTokenizerFast) -> None:
    context = "The book was new."
    (row,) = rows_of(question(context, "new"), tokenizer)
    first, last = row["context_start"], row["length"] - 2
    assert decode(context, row, first, last) == context
    for start, end in [(first - 1, last), (first, last + 1), (last, first)]:
        with pytest.raises(ValueError, match="no span"):
            decode(context, row, start, end)
