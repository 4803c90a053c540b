"""Tagged sentences: one tag a word, words that make up the text."""

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_tagging import tagging_examples
from dstilts.tasks.phrasebook.generator import Part
from dstilts.tasks.phrasebook.notation import UPOS


@pytest.mark.parametrize("code", available_languages())
def test_every_word_has_a_tag(code: str) -> None:
    examples = tagging_examples(Part("udpos", "test", "test", 200), load_language(code))
    assert len(examples) == 200
    for example in examples:
        assert len(example.words) == len(example.tags)
        assert set(example.tags) <= UPOS
        assert all(word and word == word.strip() for word in example.words)
    assert len({example.words for example in examples}) == 200


def test_training_sentences_are_distinct_and_enough() -> None:
    examples = tagging_examples(Part("udpos", "train", "train", 1600), load_language("en"))
    assert len({example.words for example in examples}) == 1600
