"""The phrasebook as a source: splits, determinism, and no leak from training to evaluation."""

import os
import subprocess
import sys
from itertools import chain

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.examples import ExampleSet, PairExample, SpanExample, TaggingExample, texts
from dstilts.tasks.phrasebook.format import available_languages
from dstilts.tasks.phrasebook.source import PhrasebookSource
from dstilts.tasks.source import SPLITS, Source

SOURCE: Source = PhrasebookSource()
SIZES = {
    ("mnli", "train"): 2400,
    ("mnli", "dev"): 300,
    ("snli", "train"): 2400,
    ("snli", "dev"): 300,
    ("squad_v1", "train"): 1200,
    ("squad_v1", "dev"): 150,
    ("udpos", "train"): 1600,
    ("udpos", "dev"): 200,
    ("udpos", "test"): 200,
    ("xnli", "dev"): 150,
    ("xnli", "test"): 300,
    ("xquad", "test"): 200,
    ("tatoeba", "test"): 640,
}


def sentences(examples: ExampleSet) -> set[str]:
    """Every single sentence of a set: the parts of a context are told apart by their stops."""
    found = set()
    for example in examples.examples:
        if isinstance(example, TaggingExample):
            found.add(" ".join(example.words))
    tagged = any(isinstance(example, TaggingExample) for example in examples.examples)
    if tagged:
        return found
    parts = chain.from_iterable(text.split(". ") for text in texts(examples))
    return {part.rstrip(".?").strip() for part in parts}


def test_every_split_is_there_with_its_size() -> None:
    found = {}
    for task in SOURCE.tasks():
        assert task in TASKS
        for split in SPLITS:
            for language in SOURCE.languages(task, split):
                found[task, split] = len(SOURCE.load(task, split, language))
    assert found == SIZES


def test_training_is_english_and_evaluation_in_every_language() -> None:
    assert SOURCE.languages("mnli", "train") == ("en",)
    assert SOURCE.languages("xnli", "test") == available_languages()
    assert set(SOURCE.languages("tatoeba", "test")) == {*available_languages()} - {"en"}
    assert SOURCE.languages("xnli", "train") == SOURCE.languages("pawsx", "test") == ()


def test_labels_are_those_of_the_catalog() -> None:
    for task in ("mnli", "snli", "xnli"):
        split = "dev"
        labels = {
            example.label
            for example in SOURCE.load(task, split, "en").examples
            if isinstance(example, PairExample)
        }
        assert labels == set(TASKS[task].labels)
    tagging = SOURCE.load("udpos", "train", "en").examples
    tags = {tag for e in tagging if isinstance(e, TaggingExample) for tag in e.tags}
    assert tags <= set(TASKS["udpos"].labels)


def test_no_sentence_of_training_stands_in_an_evaluation_set() -> None:
    def plain(found: set[str]) -> set[str]:
        return {"".join(c for c in text if c.isalnum()) for text in found}

    training = set().union(
        *(
            plain(sentences(SOURCE.load(task, split, "en")))
            for task in ("mnli", "snli", "squad_v1", "udpos")
            for split in ("train", "dev")
        )
    )
    assert len(training) > 4000
    for task, language in (("xnli", "en"), ("xquad", "en"), ("udpos", "en"), ("tatoeba", "de")):
        assert not training & plain(sentences(SOURCE.load(task, "test", language))), task
    assert not training & plain(sentences(SOURCE.load("xnli", "dev", "en")))


def test_splits_of_one_pool_share_no_example() -> None:
    def keys(task: str, split: str) -> set[object]:
        return {
            (e.text_b if isinstance(e, PairExample) else (e.context, e.question))
            for e in SOURCE.load(task, split, "en").examples
            if isinstance(e, PairExample | SpanExample)
        }

    assert not keys("xnli", "dev") & keys("xnli", "test")
    assert not (keys("mnli", "train") | keys("snli", "train")) & keys("mnli", "dev")
    assert not keys("squad_v1", "train") & keys("squad_v1", "dev")


def test_what_is_not_there_is_said_in_one_line() -> None:
    with pytest.raises(UserError, match="unknown phrasebook task 'xnl'; did you mean 'xnli'"):
        SOURCE.load("xnl", "test", "en")
    with pytest.raises(UserError, match="no 'train' split of xnli in 'en'"):
        SOURCE.load("xnli", "train", "en")
    with pytest.raises(UserError, match="no 'test' split of tatoeba in 'en'; languages there: "):
        SOURCE.load("tatoeba", "test", "en")


def test_examples_do_not_depend_on_the_process() -> None:
    code = (
        "from dstilts.tasks.phrasebook.source import PhrasebookSource as S; s = S();"
        "print(*(s.load(*k).digest() for k in (('mnli', 'train', 'en'), ('xquad', 'test', 'de'),"
        "('tatoeba', 'test', 'ru'), ('udpos', 'test', 'zh'))), s.identity()['edition'])"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1
