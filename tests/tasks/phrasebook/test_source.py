"""The phrasebook as a source: splits, determinism, and no leak from training to evaluation."""

import os
import subprocess
import sys

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.examples import (
    ChoiceExample,
    ExampleSet,
    PairExample,
    SpanExample,
    TaggingExample,
    texts,
)
from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_copa import QUESTION
from dstilts.tasks.phrasebook.generator import Part
from dstilts.tasks.phrasebook.parts import PARTS, part_languages
from dstilts.tasks.phrasebook.plan import Pool, load_plan
from dstilts.tasks.phrasebook.source import PhrasebookSource
from dstilts.tasks.source import Source

SOURCE: Source = PhrasebookSource()


def english_or_german(task: str, split: str) -> str:
    languages = SOURCE.languages(task, split)
    return "en" if "en" in languages else "de"


def sentences(examples: ExampleSet) -> set[str]:
    """Every single sentence of a set, by its letters and digits; choices and COPA's question apart.

    The parts of a context are told apart by their stops. Choices may be single words, which
    training and evaluation share.
    """
    found = []
    for example in examples.examples:
        match example:
            case TaggingExample():
                found.append(" ".join(example.words))
            case ChoiceExample():
                found += example.context.split(". ")
                found += example.question.split(". ") if example.question != QUESTION else []
            case _:
                only = ExampleSet("", "", "", "", (example,))
                found += [part for text in texts(only) for part in text.split(". ")]
    squeezed = {"".join(c for c in text.lower() if c.isalnum()) for text in found}
    return squeezed - {""}


def names(pool: Pool) -> set[str]:
    """The names of persons, cities and companies of a pool in English."""
    lexicon = load_language("en").lexicon
    classes = load_plan().classes
    refs = [ref for name in ("person", "city", "company") for ref in classes[name].refs[pool]]
    return {lexicon[ref].forms["base"][0].forms[0] for ref in refs}


def test_every_task_of_the_catalog_is_there() -> None:
    assert set(SOURCE.tasks()) == {name for name, spec in TASKS.items() if not spec.parts}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.task}-{part.split}")
def test_every_split_is_there_with_its_size(part: Part) -> None:
    for language in {english_or_german(part.task, part.split), part_languages(part)[-1]}:
        examples = SOURCE.load(part.task, part.split, language)
        ids = [(getattr(e, "side", ""), e.id) for e in examples.examples]
        assert len(set(ids)) == len(ids)
        sources = [e for e in examples.examples if getattr(e, "side", "source") == "source"]
        assert len(sources) == part.size
        assert (len(ids) > part.size) == (TASKS[part.task].kind == "retrieval")


def test_training_is_english_and_evaluation_in_every_language() -> None:
    everywhere = available_languages()
    assert SOURCE.languages("mnli", "train") == SOURCE.languages("mnli", "dev") == ("en",)
    assert SOURCE.languages("xnli", "test") == SOURCE.languages("squad_v2", "test") == everywhere
    assert SOURCE.languages("mlm", "train") == SOURCE.languages("mlm", "dev") == everywhere
    assert SOURCE.languages("ccg", "test") == ("en",)
    for task in ("tatoeba", "bucc2018"):
        assert set(SOURCE.languages(task, "test")) == {*everywhere} - {"en"}
    assert SOURCE.languages("xnli", "train") == SOURCE.languages("anli_plus", "train") == ()


def test_mining_is_calibrated_on_the_development_set() -> None:
    test = SOURCE.load("bucc2018", "test", "de")
    assert test.calibration == SOURCE.load("bucc2018", "dev", "de").examples
    assert SOURCE.load("bucc2018", "dev", "de").calibration == ()
    assert SOURCE.load("tatoeba", "test", "de").calibration == ()


def test_the_files_are_those_that_were_read() -> None:
    assert SOURCE.load("ccg", "dev", "en").files == (
        "plan.toml",
        "supertags.toml",
        "languages/en.toml",
    )
    assert len(SOURCE.load("lareqa", "test", "de").files) == 1 + len(available_languages())
    assert len(SOURCE.load("lareqa", "train", "en").files) == 2


def test_tasks_of_one_kind_have_other_examples() -> None:
    for one, other in (
        ("mnli", "anli"),
        ("qqp", "pawsx"),
        ("squad_v1", "tydiqa"),
        ("ccg", "udpos"),
    ):
        first, second = (SOURCE.load(task, "train", "en").examples for task in (one, other))
        assert len(set(first) & set(second)) < 0.1 * len(second)


def test_labels_are_those_of_the_catalog() -> None:
    for task in ("anli", "mnli", "snli", "xnli", "qqp", "pawsx"):
        split = "dev"
        labels = {
            example.label
            for example in SOURCE.load(task, split, "en").examples
            if isinstance(example, PairExample)
        }
        assert labels == set(TASKS[task].labels)
    for task in ("udpos", "panx"):
        tagging = SOURCE.load(task, "train", "en").examples
        tags = {tag for e in tagging if isinstance(e, TaggingExample) for tag in e.tags}
        assert tags <= set(TASKS[task].labels)


def test_no_sentence_of_training_stands_in_an_evaluation_set() -> None:
    training = set().union(
        *(sentences(SOURCE.load(p.task, p.split, "en")) for p in PARTS if p.pool == "train")
    )
    assert len(training) > 10_000
    for part in PARTS:
        if part.pool == "test":
            language = english_or_german(part.task, part.split)
            evaluation = SOURCE.load(part.task, part.split, language)
            # The pool of all languages is the same for all: read in the one language.
            assert not training & sentences(evaluation), part


def test_no_multilingual_training_sentence_stands_in_an_evaluation_set() -> None:
    for language in ("de", "th"):
        training = sentences(SOURCE.load("mlm", "train", language))
        for task in ("xnli", "tatoeba", "bucc2018", "lareqa", "panx"):
            assert not training & sentences(SOURCE.load(task, "test", language))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.task}-{part.split}")
def test_no_name_of_the_other_pool_occurs(part: Part) -> None:
    examples = SOURCE.load(part.task, part.split, english_or_german(part.task, part.split))
    words = {word.strip(".,?:") for text in texts(examples) for word in text.split()}
    assert words & names(part.pool)
    assert not words & names("test" if part.pool == "train" else "train")


def test_splits_of_one_pool_share_no_example() -> None:
    def keys(task: str, split: str) -> set[object]:
        found: set[object] = set()
        for e in SOURCE.load(task, split, "en").examples:
            match e:
                case PairExample():
                    found.add((e.text_a, e.text_b))
                    if TASKS[task].head == "nli":
                        found.add(e.text_b)
                case SpanExample() | ChoiceExample():
                    found.add((e.context, e.question, getattr(e, "choices", ())))
                case TaggingExample():
                    found.add(e.words)
        return found

    for task in ("xnli", "pawsx", "mlqa", "xcopa"):
        assert keys(task, "dev")
        assert not keys(task, "dev") & keys(task, "test"), task
    same_kind = [
        ("anli", "mnli", "snli"),
        ("qqp",),
        ("squad_v1", "squad_v2"),
        ("hellaswag", "cosmosqa", "commonsenseqa", "socialiqa", "copa"),
        ("ccg", "ccg_pmb", "udpos"),
        ("panx",),
    ]
    for tasks in same_kind:
        train = set().union(*(keys(task, "train") for task in tasks))
        dev = set().union(*(keys(task, "dev") for task in tasks))
        assert dev
        assert not train & dev, tasks


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
        "('lareqa', 'test', 'de'), ('mewslix', 'test', 'de'), ('hellaswag', 'train', 'en'),"
        "('qqp', 'train', 'en'), ('cosmosqa', 'test', 'fr'), ('bucc2018', 'test', 'ru'),"
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
