"""English statements with supertags: one a word, in both spellings."""

import pytest

from dstilts.tasks.phrasebook.format import load_language
from dstilts.tasks.phrasebook.generate_supertags import supertag_examples
from dstilts.tasks.phrasebook.generator import Part


@pytest.mark.parametrize("task", ["ccg", "ccg_pmb"])
def test_every_word_has_a_category(task: str) -> None:
    train = supertag_examples(Part(task, "train", "train", 1200), load_language("en"))
    test = supertag_examples(Part(task, "test", "test", 200), load_language("en"))
    assert (len(train), len(test)) == (1200, 200)
    for example in (*train, *test):
        assert len(example.words) == len(example.tags)
        assert not any(" " in tag or not tag for tag in example.tags)
    known = {tag for example in train for tag in example.tags}
    assert len(known) > 30
    unseen = [tag for example in test for tag in example.tags if tag not in known]
    assert len(unseen) < 0.01 * sum(len(example.tags) for example in test)
    assert not {e.words for e in train} & {e.words for e in test}


def test_one_word_has_several_categories() -> None:
    examples = supertag_examples(Part("ccg", "train", "train", 1200), load_language("en"))
    tags = {
        tag for e in examples for word, tag in zip(e.words, e.tags, strict=True) if word == "in"
    }
    assert tags == {"PP/NP", r"(NP\NP)/NP", r"((S\NP)\(S\NP))/NP"}


def test_the_second_spelling() -> None:
    examples = supertag_examples(Part("ccg_pmb", "train", "train", 1200), load_language("en"))
    tags = {tag for example in examples for tag in example.tags}
    assert {"n", "np/n", r"(s:dcl\np)/np", "conj", ".", "np:thr"} <= tags
    assert not any(c.isupper() or c in "[]" for tag in tags for c in tag)
