"""What follows from a premise: both choices are right as often."""

from collections import Counter, defaultdict

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_copa import QUESTION, copa_examples
from dstilts.tasks.phrasebook.generator import Part
from dstilts.tasks.readers.choices import COPA_QUESTIONS

TEST = Part("xcopa", "test", "test", 200)


@pytest.mark.parametrize("code", available_languages())
def test_each_choice_is_right_once(code: str) -> None:
    examples = copa_examples(TEST, load_language(code))
    assert len(examples) == len({example.id for example in examples}) == 200
    assert Counter(example.label for example in examples) == {0: 100, 1: 100}
    right = defaultdict(list)
    for example in examples:
        assert example.label is not None
        assert len(set(example.choices)) == 2
        assert example.context not in example.choices
        right[frozenset(example.choices)].append(example.choices[example.label])
    assert all(sorted(chosen) == sorted(choices) for choices, chosen in right.items())


def test_the_question_is_that_of_the_real_sets() -> None:
    assert COPA_QUESTIONS["effect"] == QUESTION
    examples = copa_examples(Part("copa", "train", "train", 800), load_language("en"))
    assert {example.question for example in examples} == {QUESTION}


def test_the_right_choice_follows_in_english() -> None:
    for example in copa_examples(TEST, load_language("en")):
        assert example.label is not None
        chosen = example.choices[example.label]
        if "-opening-" in example.id or "-closing-" in example.id:
            shut = "closed" in example.context or "not open" in example.context
            assert shut == ("closed" in chosen or "not open" in chosen)
        if "-journey-" in example.id:
            away = example.context.split()[0] == chosen.split()[0]
            assert away == ("travelled" in chosen)
