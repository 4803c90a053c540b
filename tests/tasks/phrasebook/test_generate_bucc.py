"""Comparable text: half of each side are translations, the rest stand alone."""

import re

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_bucc import bucc_examples
from dstilts.tasks.phrasebook.generator import Part

TEST = Part("bucc2018", "test", "test", 300)
DEV = Part("bucc2018", "dev", "test", 120)


@pytest.mark.parametrize("code", [code for code in available_languages() if code != "en"])
def test_half_of_the_sentences_match(code: str) -> None:
    examples = bucc_examples(TEST, load_language(code))
    by_id = {example.id: example for example in examples}
    assert len(by_id) == len(examples) == 600
    for side, prefix in (("source", code), ("target", "en")):
        those = [example for example in examples if example.side == side]
        assert len(those) == len({example.text for example in those}) == 300
        assert all(re.fullmatch(rf"{prefix}-\d{{9}}", example.id) for example in those)
        assert sum(bool(example.matches) for example in those) == 150
    for example in examples:
        for match in example.matches:
            assert by_id[match].matches == (example.id,)
            assert by_id[match].side != example.side


def test_no_unmatched_sentence_has_a_translation_and_no_order_tells() -> None:
    # With English on both sides translations are equal texts.
    examples = bucc_examples(TEST, load_language("en"))
    sources = {e.text: e for e in examples[:300]}
    targets = {e.text: e for e in examples[300:]}
    assert {text for text, e in sources.items() if e.matches} == sources.keys() & targets.keys()
    same = sum(one.matches == (f"en-{i:09d}",) for i, one in enumerate(examples[:300], start=1))
    assert same < 10


def test_development_and_test_are_disjoint() -> None:
    german = load_language("de")
    texts = [{e.text for e in bucc_examples(part, german)} for part in (DEV, TEST)]
    assert not texts[0] & texts[1]
