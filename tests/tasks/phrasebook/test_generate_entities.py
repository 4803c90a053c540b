"""Named entities: whole names with their endings, the same sentences in every language."""

from collections import Counter
from pathlib import Path

import pytest

from dstilts.tasks.catalog import TASKS
from dstilts.tasks.phrasebook.format import (
    LANGUAGES_FOLDER,
    available_languages,
    load_language,
    read_language,
)
from dstilts.tasks.phrasebook.generate_entities import entity_examples, naming_frames
from dstilts.tasks.phrasebook.generator import Part, filled_frames
from dstilts.tasks.phrasebook.plan import load_plan

PLAN = load_plan()
TEST = Part("panx", "test", "test", 200)


def entity_counts(code: str) -> list[Counter[str]]:
    return [
        Counter(tag for tag in example.tags if tag.startswith("B-"))
        for example in entity_examples(TEST, load_language(code))
    ]


@pytest.mark.parametrize("code", available_languages())
def test_every_sentence_has_its_entities(code: str) -> None:
    examples = entity_examples(TEST, load_language(code))
    assert len({example.words for example in examples}) == 200
    for example in examples:
        assert len(example.words) == len(example.tags)
        assert set(example.tags) <= set(TASKS["panx"].labels)
        for before, tag in zip(("O", *example.tags), example.tags, strict=False):
            assert tag[0] != "I" or before[1:] == tag[1:]
    assert entity_counts(code) == entity_counts("en")


@pytest.mark.parametrize(
    ("code", "token", "tag"),
    [
        ("en", "Rome", "B-LOC"),
        ("tr", "Viyana'da", "B-LOC"),
        ("ko", "소피아는", "B-PER"),
        ("de", "IKEA", "B-ORG"),
        ("fr", "Irina", "B-PER"),  # not "qu'"
    ],
)
def test_tokens_are_names_with_their_endings(code: str, token: str, tag: str) -> None:
    examples = entity_examples(TEST, load_language(code))
    found = {pair for e in examples for pair in zip(e.words, e.tags, strict=True)}
    assert (token, tag) in found
    assert not {t for word, t in found if word == token} - {tag}


def test_every_type_is_there() -> None:
    total = sum(entity_counts("en"), Counter())
    assert min(total[f"B-{name}"] for name in ("PER", "LOC", "ORG")) >= 3


@pytest.mark.parametrize("code", available_languages())
def test_no_letter_is_lost(code: str) -> None:
    language = load_language(code)
    found = filled_frames(PLAN, naming_frames(PLAN), TEST)
    for filled, example in zip(found, entity_examples(TEST, language), strict=True):
        text = filled.sentence(language, PLAN).text
        assert "".join(example.words).replace(" ", "") == text.replace(" ", "")


def test_an_ending_written_onto_a_name_is_a_part_of_its_token(tmp_path: Path) -> None:
    text = (LANGUAGES_FOLDER / "en.toml").read_text(encoding="utf-8")
    changed = tmp_path / "en.toml"
    frame = 'live = "{person} lives|VERB in|ADP {city}"'
    assert frame in text
    glued = 'live = "{city}+ da|ADP {person} lives|VERB"'
    changed.write_text(text.replace(frame, glued, 1), encoding="utf-8")
    examples = entity_examples(TEST, read_language(changed, PLAN))
    (first, *_) = (e for e in examples if len(e.words) == 4 and e.words[0].endswith("da"))
    assert first.words[0].removesuffix("da") in {
        "Rome",
        "Vienna",
        "Dublin",
        "Lisbon",
        "Seoul",
        "Nairobi",
        "Prague",
        "Toronto",
    }
    assert first.tags == ("B-LOC", "B-PER", "O", "O")


@pytest.mark.parametrize("code", available_languages())
def test_articles_and_adpositions_are_in_no_name(code: str) -> None:
    # In Hungarian the city of "a szöuli színház" is an adjective behind an article.
    language = load_language(code)
    found = filled_frames(PLAN, naming_frames(PLAN), TEST)
    for filled, example in zip(found, entity_examples(TEST, language), strict=True):
        sentence = filled.sentence(language, PLAN)
        if len(sentence.words) == len(example.words):  # no endings joined to names
            for upos, tag in zip(sentence.tags, example.tags, strict=True):
                assert tag == "O" or upos not in ("ADP", "DET", "PUNCT"), example


def test_an_adjective_of_a_city_is_its_name() -> None:
    examples = entity_examples(TEST, load_language("hu"))
    found = {pair for e in examples for pair in zip(e.words, e.tags, strict=True)}
    assert ("szöuli", "B-LOC") in found
    assert ("A", "O") in found
