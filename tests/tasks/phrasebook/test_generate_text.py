"""Raw sentences: distinct, and training apart from development."""

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_text import text_examples
from dstilts.tasks.phrasebook.generator import Part


@pytest.mark.parametrize("code", available_languages())
def test_sentences_are_distinct_and_splits_disjoint(code: str) -> None:
    language = load_language(code)
    train = text_examples(Part("mlm", "train", "train", 800), language)
    dev = text_examples(Part("mlm", "dev", "train", 100), language)
    assert len({e.text for e in train}) == len({e.id for e in train}) == 800
    assert len({e.text for e in dev}) == 100
    assert not {e.text for e in train} & {e.text for e in dev}
