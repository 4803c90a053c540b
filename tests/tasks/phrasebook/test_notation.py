"""The notation of frames and entries."""

import pytest

from dstilts.tasks.phrasebook.notation import (
    Slot,
    Word,
    apply_pattern,
    parse_frame,
    parse_word,
    parse_words,
    slot_class,
)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("lives|VERB", Word(("lives",), "VERB")),
        ("купил~купила|VERB", Word(("купил", "купила"), "VERB")),
        ("ouvert~ouverte@place|ADJ", Word(("ouvert", "ouverte"), "ADJ", "place")),
        ("l'+|DET", Word(("l'",), "DET", seam="+")),
        ("ab_c_|NOUN", Word(("ab c",), "NOUN", seam="_")),
        ("học_sinh|NOUN", Word(("học sinh",), "NOUN")),
        (",|PUNCT", Word((",",), "PUNCT")),
        ("10:30|NUM", Word(("10:30",), "NUM")),
    ],
)
def test_a_word_is_read(text: str, word: Word) -> None:
    assert parse_word(text, None) == word


@pytest.mark.parametrize(
    "text", ["lives", "lives|verb", "lives|VERBS", "|VERB", "a~|VERB", "{x|ADP"]
)
def test_a_malformed_word_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_word(text, None)


def test_a_class_may_give_the_tag() -> None:
    assert parse_words("New York", "PROPN") == (
        Word(("New",), "PROPN"),
        Word(("York",), "PROPN"),
    )


def test_a_frame_has_words_and_slots() -> None:
    assert parse_frame("{person} sees|VERB {person2.acc} d'+|ADP {city}+ ici|ADV") == (
        Slot("person"),
        Word(("sees",), "VERB"),
        Slot("person2", "acc"),
        Word(("d'",), "ADP", seam="+"),
        Slot("city", seam="+"),
        Word(("ici",), "ADV"),
    )
    assert slot_class("person2") == "person"
    with pytest.raises(ValueError, match="empty"):
        parse_frame("  ")


def test_a_pattern_adds_words_or_affixes() -> None:
    base = (Word(("Arzt", "Ärztin"), "NOUN"),)
    assert apply_pattern("als|ADP {}", base) == (Word(("als",), "ADP"), *base)
    assert apply_pattern("{}'s", base) == (Word(("Arzt's", "Ärztin's"), "NOUN"),)
    assert apply_pattern("و{}", base)[0].forms == ("وArzt", "وÄrztin")
    with pytest.raises(ValueError, match="pattern"):
        apply_pattern("als|ADP", base)
