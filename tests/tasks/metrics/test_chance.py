"""Chance levels of sets for which they can be worked out by hand."""

import numpy as np
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
    TextExample,
)
from dstilts.tasks.metrics.chance import chance
from dstilts.tasks.metrics.ranking import average_precision


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


def test_as_many_random_pairs_as_there_are_gold_ones() -> None:
    examples = [SentenceExample(f"x{i}", "a", "source", (f"e{i}",)) for i in range(2)]
    examples += [SentenceExample(f"x{i}", "a", "source", ()) for i in range(2, 5)]
    examples += [SentenceExample(f"e{i}", "b", "target", ()) for i in range(4)]
    # A pair is one of 20, 2 of them are gold: each of 2 random ones is right in 1 of 10 cases.
    assert level("bucc2018", examples) == dict.fromkeys(("f1", "precision", "recall"), 10.0)


@pytest.mark.parametrize(("num_right", "num_candidates"), [(1, 30), (3, 12), (25, 40)])
def test_candidates_in_random_order(num_right: int, num_candidates: int) -> None:
    right = tuple(f"c{i}" for i in range(num_right))
    examples = [SentenceExample("q", "a", "source", right)]
    examples += [SentenceExample(f"c{i}", "b", "target", ()) for i in range(num_candidates)]
    random = np.random.default_rng(0)
    names = np.array([e.id for e in examples[1:]])
    drawn = [
        average_precision(list(random.permutation(names)[:20]), set(right)) for _ in range(4000)
    ]
    error = 100 * np.std(drawn) / np.sqrt(len(drawn))
    assert level("lareqa", examples)["map_at_20"] == pytest.approx(
        100 * np.mean(drawn), abs=4 * error
    )


def test_never_an_answer_where_some_questions_have_none() -> None:
    answered = SpanExample("1", "one two", "?", (Answer("one", 0),))
    others = [SpanExample(str(i), "one two", "?", (), answerable=False) for i in (2, 3, 4)]
    levels = level("squad_v2", [answered, *others])
    assert levels["f1"] == levels["exact_match"] == 75.0
    assert (levels["answerable_f1"], levels["no_answer_accuracy"]) == (0.0, 100.0)


def test_masked_words_have_no_level() -> None:
    assert level("mlm", [TextExample("1", "a b")]) == {}
