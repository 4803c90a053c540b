"""What holds of entities, supertags, raw sentences and retrieval alike: the same items in every
language and at every call, and none of them in two splits."""

from collections.abc import Callable

import pytest

from dstilts.tasks.examples import SentenceExample, TaggingExample, TextExample
from dstilts.tasks.phrasebook import (
    generate_bucc,
    generate_entities,
    generate_lareqa,
    generate_mewslix,
    generate_span,
    generate_supertags,
    generate_text,
)
from dstilts.tasks.phrasebook.format import Language, load_language
from dstilts.tasks.phrasebook.generator import Part
from dstilts.tasks.phrasebook.parts import PARTS, part_languages

Made = SentenceExample | TaggingExample | TextExample

MAKERS: dict[str, Callable[[Part, Language], tuple[Made, ...]]] = {
    "panx": generate_entities.entity_examples,
    "ccg": generate_supertags.supertag_examples,
    "ccg_pmb": generate_supertags.supertag_examples,
    "mlm": generate_text.text_examples,
    "bucc2018": generate_bucc.bucc_examples,
    "lareqa": generate_lareqa.lareqa_examples,
    "mewslix": generate_mewslix.mewslix_examples,
}
CACHES = (
    *(generate_entities._sentences, generate_supertags._sentences, generate_text._sentences),
    *(generate_bucc._sides, generate_span.span_items),
    *(generate_lareqa.contexts, generate_lareqa.asked_questions, generate_lareqa._pool),
    *(generate_mewslix._entities, generate_mewslix._mentions, generate_mewslix._pool),
)
OWN = [part for part in PARTS if part.task in MAKERS]
CODES = ("en", "de", "zh", "sw", "tr")


def cases() -> list[tuple[Part, str]]:
    return [(part, code) for part in OWN for code in CODES if code in part_languages(part)]


def made(part: Part, code: str) -> tuple[Made, ...]:
    return MAKERS[part.task](part, load_language(code))


def text_of(example: Made) -> str:
    return " ".join(example.words) if isinstance(example, TaggingExample) else example.text


def named(part: Part, code: str) -> list[tuple[str, tuple[str, ...]]]:
    """Ids and matches; the ids of BUCC sentences begin with the language, here with "source"."""
    found = []
    for example in made(part, code):
        matches = example.matches if isinstance(example, SentenceExample) else ()
        names = (example.id, *matches)
        if part.task == "bucc2018":
            names = tuple(name.replace(f"{code}-", "source-") for name in names)
        found.append((names[0], names[1:]))
    return found


@pytest.mark.parametrize(("part", "code"), cases())
def test_ids_are_unique_and_the_same_in_every_language(part: Part, code: str) -> None:
    first = next(one for one in CODES if one in part_languages(part))
    names = named(part, code)
    assert len({name for name, _ in names}) == len(names) >= part.size
    assert names == named(part, first)


@pytest.mark.parametrize(("part", "code"), cases())
def test_the_same_at_every_call(part: Part, code: str) -> None:
    first = made(part, code)
    for cached in CACHES:
        cached.cache_clear()
    assert made(part, code) == first


@pytest.mark.parametrize(
    ("task", "code"),
    # Training sets too are made in all languages here, so that they can be compared.
    [(task, code) for task in MAKERS for code in CODES if code == "en" or "ccg" not in task],
)
def test_splits_share_no_text(task: str, code: str) -> None:
    texts = [{text_of(example) for example in made(p, code)} for p in OWN if p.task == task]
    assert len(texts) >= 2
    assert len(set().union(*texts)) == sum(map(len, texts))
