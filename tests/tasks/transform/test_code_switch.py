"""Code-switching: labels and answers stay right in every kind of task; draws are reproducible."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstilts.core.errors import UserError
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
    TextExample,
)
from dstilts.tasks.open_source import open_source
from dstilts.tasks.transform.code_switch import CodeSwitch, code_switch
from dstilts.tasks.transform.lexicon import Lexicon
from dstilts.tasks.transform.words import WORD
from tests.tasks.transform.conftest import MakeSet

DE = Lexicon(
    "de", {"cat": ("Katze",), "dog": ("Hund",), "big": ("groß", "mächtig"), "zoo": ("Tier park",)}
)
RU = Lexicon("ru", {"cat": ("кошка",), "a": ("один",)})
ALL = CodeSwitch(("de",), rate=1.0)


def one(examples: ExampleSet) -> Any:
    (example,) = examples.examples
    return example


def test_each_kind(make_set: MakeSet) -> None:
    pair = PairExample("1", "A big cat, a dog.", "The CAT", "neutral")
    pair = one(code_switch(make_set("mnli", [pair]), CodeSwitch(("de",), 1.0, seed=2), [DE]))
    assert pair.text_a in ("A groß Katze, a Hund.", "A mächtig Katze, a Hund.")
    assert (pair.text_b, pair.label) == ("The KATZE", "neutral")

    text = one(code_switch(make_set("mlm", [TextExample("1", "zoo dogs dog")]), ALL, [DE]))
    assert text.text == "Tier park dogs Hund"

    words = TaggingExample("1", ("The", "cat", "cat's", "zoo"), ("DET", "NOUN", "X", "NOUN"))
    words = one(code_switch(make_set("udpos", [words]), ALL, [DE]))
    # One word a tag: no translation of two words.
    assert words.words == ("The", "Katze", "cat's", "zoo")
    assert words.tags == ("DET", "NOUN", "X", "NOUN")

    choice = ChoiceExample("1", "dog", "cat?", ("a dog", "a cat"), 1)
    choice = one(code_switch(make_set("socialiqa", [choice]), ALL, [DE]))
    assert choice == ChoiceExample("1", "Hund", "Katze?", ("a Hund", "a Katze"), 1)


def test_different_choices_stay_different(make_set: MakeSet) -> None:
    same = Lexicon("de", {"couch": ("Sofa",), "settee": ("Sofa",), "dog": ("Hund",)})
    choice = ChoiceExample("1", "dog", "", ("couch", "the couch", "settee"), 0)
    switched = code_switch(make_set("socialiqa", [choice]), ALL, [same])
    assert one(switched).choices == choice.choices
    assert one(switched).context == "Hund"
    assert switched.subset is not None
    assert switched.subset.startswith("20.0% of 5 words")


def test_the_source_side_of_retrieval(make_set: MakeSet) -> None:
    question = SentenceExample("q", "cat", "source", ("c",))
    candidate = SentenceExample("c", "dog", "target", ("q",), context="cat")
    switched = code_switch(make_set("lareqa", [question, candidate]), ALL, [DE])
    assert switched.examples == (dataclasses.replace(question, text="Katze"), candidate)


def test_answers_that_cut_a_word_keep_it(make_set: MakeSet) -> None:
    answers = (Answer("cat", 4), Answer("do", 10), Answer("big cat", 0))
    example = SpanExample("1", "big cat a dog dog", "cat?", answers)
    switched = one(code_switch(make_set("squad_v1", [example]), ALL, [DE]))
    big = switched.answers[2].text.removesuffix(" Katze")
    assert big in ("groß", "mächtig")
    assert switched.context == f"{big} Katze a dog Hund"
    assert [answer.text for answer in switched.answers] == ["Katze", "do", f"{big} Katze"]
    assert switched.question == "Katze?"


_WORDS = ("cat", "Cat", "dog", "the", "DOG", "big", "кот", "東京", "cat's", "b2b", "e\u0301", "zoo")
_PIECES = st.one_of(
    st.sampled_from(_WORDS), st.sampled_from([" ", "\u00a0", ", ", "-", "\n", "😀"])
)


@st.composite
def _spans(draw: st.DrawFn) -> SpanExample:
    context = "".join(draw(st.lists(_PIECES, min_size=1, max_size=25))) + draw(st.text(max_size=5))
    answers = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(context) - 1))
        answers.append(Answer(context[start : draw(st.integers(start + 1, len(context)))], start))
    return SpanExample("1", context, "which cat", tuple(answers))


@settings(max_examples=300, deadline=None)
@given(_spans(), st.floats(0, 1), st.integers(0, 3))
def test_every_answer_stands_where_it_says(example: SpanExample, rate: float, seed: int) -> None:
    examples = ExampleSet("squad_v1", "train", "en", "local", (example,))
    switched = one(code_switch(examples, CodeSwitch(("de", "ru"), rate, seed=seed), [DE, RU]))
    assert len(switched.answers) == len(example.answers)
    for old, new in zip(example.answers, switched.answers, strict=True):
        assert switched.context[new.start : new.start + len(new.text)] == new.text
        if not any(word.lower() in {**DE.entries, **RU.entries} for word in WORD.findall(old.text)):
            assert new.text == old.text


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=30), st.integers(0, 5))
def test_tags_and_word_counts_stay(words: list[str], seed: int) -> None:
    example = TaggingExample("1", tuple(words), tuple("NOUN" for _ in words))
    examples = ExampleSet("udpos", "train", "en", "local", (example,))
    switched = one(code_switch(examples, CodeSwitch(("de", "ru"), 0.7, seed=seed), [DE, RU]))
    assert len(switched.words) == len(words)
    assert switched.tags == example.tags
    assert all(len(word.split()) == 1 for word in switched.words)


def test_rates_are_nested_and_met(make_set: MakeSet) -> None:
    examples = make_set("mlm", [TextExample(str(n), "cat dog big the") for n in range(300)])
    parts = [
        [
            word in ("the", "cat", "dog", "big")
            for example in code_switch(examples, CodeSwitch(("de",), rate), [DE]).examples
            for word in example.text.split()
        ]
        for rate in (0.0, 0.3, 0.6, 1.0)
    ]
    for lower, higher in itertools.pairwise(parts):
        assert all(before or not after for before, after in zip(lower, higher, strict=True))
    shares = [1 - sum(part) / len(part) for part in parts]
    # Three words of four have a translation.
    assert shares == pytest.approx([0, 0.225, 0.45, 0.75], abs=0.03)


def test_draws_hang_on_seed_and_example_alone(make_set: MakeSet) -> None:
    examples = make_set("mlm", [TextExample(str(n), "cat dog big a " * 5) for n in range(20)])
    options = CodeSwitch(("de", "ru"), 0.5, seed=3)
    switched = code_switch(examples, options, [DE, RU])
    assert code_switch(examples, options, [DE, RU]) == switched
    alone = code_switch(make_set("mlm", examples.examples[7:8]), options, [DE, RU])
    assert alone.examples == switched.examples[7:8]
    other = code_switch(examples, dataclasses.replace(options, seed=4), [DE, RU])
    assert other.examples != switched.examples


def test_one_language_per_example(make_set: MakeSet) -> None:
    examples = make_set("mlm", [TextExample(str(n), "cat cat cat cat cat") for n in range(40)])
    for per, expected in (("example", 1), ("word", 2)):
        options = CodeSwitch(("de", "ru"), 1.0, per=per)  # type: ignore[arg-type]
        switched = code_switch(examples, options, [DE, RU])
        kinds = [len(set(example.text.split())) for example in switched.examples]
        assert max(kinds) == expected
        assert {word for e in switched.examples for word in e.text.split()} == {"Katze", "кошка"}


def test_it_says_what_it_is(make_set: MakeSet) -> None:
    examples = make_set("mlm", [TextExample("1", "cat the")], subset="own split")
    assert code_switch(examples, CodeSwitch(("de",), 1.0, seed=5), [DE]).subset == (
        "own split; 50.0% of 2 words code-switched at rate 1, drawn with seed 5, one language per "
        "word; 50.0% are in the lexicons (phrasebook: de 4)"
    )


def test_only_english_is_switched(make_set: MakeSet) -> None:
    with pytest.raises(UserError, match="starts from English, not from 'mul'"):
        code_switch(make_set("mlm", [TextExample("1", "die")], language="mul"), ALL, [DE])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"languages": ()}, "languages must not be empty"),
        ({"languages": ("de", "de")}, "languages must be different"),
        ({"languages": ("en",)}, "languages must not name English"),
        ({"languages": ("de",), "rate": 1.5}, "rate must be from 0 to 1"),
        ({"languages": ("de",), "lexicon": "muse"}, "folder must be given for lexicon = 'muse'"),
        ({"languages": ("de",), "folder": Path("x")}, "folder must not be given"),
    ],
)
def test_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CodeSwitch(**options)


@pytest.mark.data
def test_all_answers_of_xquad(data_folder: Path) -> None:
    examples = open_source("local", data_folder).load("xquad", "test", "en")
    options = CodeSwitch(("de", "es"), 0.8, lexicon="learned", folder=data_folder / "ntrex")
    switched = code_switch(examples, options)
    changed = 0
    for old, new in zip(examples.examples, switched.examples, strict=True):
        assert isinstance(old, SpanExample)
        assert isinstance(new, SpanExample)
        for answer in new.answers:
            assert new.context[answer.start : answer.start + len(answer.text)] == answer.text
        changed += old.context != new.context
    assert changed == len(examples)
