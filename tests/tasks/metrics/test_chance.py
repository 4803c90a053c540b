"""Chance levels of sets for which they can be worked out by hand."""

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import (
    Answer,
    ChoiceExample,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)
from dstilts.tasks.metrics.chance import chance


def level(name: str, examples) -> dict[str, float]:
    return chance(task(name), ExampleSet(name, "test", "en", "local", tuple(examples)))


def test_the_most_frequent_label() -> None:
    labels = ["entailment", "neutral", "neutral", "contradiction", "neutral"]
    pairs = [PairExample(str(i), "a", "b", label) for i, label in enumerate(labels)]
    assert level("xnli", pairs) == {"accuracy": 60.0}


def test_labels_of_equal_frequency_do_not_depend_on_the_order() -> None:
    pairs = [PairExample(label, "a", "b", label) for label in ("1", "0")]
    # The first in the alphabet is "0", the negative class: its F1 is 0 whatever the order.
    assert level("qqp", pairs) == level("qqp", pairs[::-1]) == {"accuracy": 50.0, "f1": 0.0}


def test_unlabelled() -> None:
    with pytest.raises(UserError, match="no label"):
        level("xnli", [PairExample("1", "a", "b", None)])


def test_one_of_the_choices() -> None:
    examples = [ChoiceExample(str(n), "", "?", ("a",) * n, 0) for n in (2, 4)]
    assert level("commonsenseqa", examples) == {"accuracy": 37.5}


def test_a_random_run_of_words() -> None:
    words = [f"w{i}" for i in range(20)]
    context = " ".join(words)
    examples = [
        SpanExample(str(i), context, "?", (Answer(words[5], context.index(words[5])),))
        for i in range(400)
    ]
    levels = level("xquad", examples)
    # One word of twenty: exact match and F1 are both 5 %, 3,200 draws (standard error 0.4).
    assert levels["exact_match"] == pytest.approx(5, abs=1.5)
    assert levels["f1"] == levels["exact_match"]
    assert level("xquad", examples) == levels, "the same draw every time"


def test_gold_answers_longer_than_the_context() -> None:
    examples = [
        SpanExample("1", "one two", "?", (Answer("one two", 0),)),
        SpanExample("2", "one", "?", (Answer("one", 0),)),
    ]
    assert level("xquad", examples)["exact_match"] <= 100


def test_the_most_frequent_tag() -> None:
    tags = ("NOUN", "VERB", "NOUN", "DET")
    levels = level("udpos", [TaggingExample("1", ("a",) * 4, tags)])
    assert levels["token_accuracy"] == 50.0
    assert levels["f1"] == 0.0, "one run of nouns is no gold span"


def test_one_sentence_of_the_other_side() -> None:
    examples = [SentenceExample(f"x{i}", "a", "source", (f"e{i}",)) for i in range(5)]
    examples += [SentenceExample(f"e{i}", "b", "target", (f"x{i}",)) for i in range(4)]
    assert level("tatoeba", examples) == {"accuracy": 20.0, "accuracy_xx_en": 25.0}
