"""The typological table: complete, of the values it says, and with distances that make sense."""

import pytest

from dstilts.tasks.languages import LANGUAGES
from dstilts.tasks.typology import (
    FEATURES,
    GROUPINGS,
    TYPOLOGY,
    distance_band,
    family_of,
    grouped,
    script_distance,
    script_of,
    typological_distance,
    typology,
    word_order,
)

PLACES = {"before", "after", "both", None}
VALUES = {
    "word_order": {"SVO", "SOV", "VSO", "mixed"},
    "adposition": PLACES,
    "genitive": PLACES,
    "adjective": PLACES,
    "numeral": PLACES,
    "relative": {*PLACES, "correlative"},
    **{name: {"yes", "no", None} for name in ("case", "gender", "tone")},
}


def test_every_language_has_every_feature_in_the_words_of_the_table() -> None:
    assert set(TYPOLOGY) == set(LANGUAGES)
    assert set(FEATURES) == set(VALUES)
    for code, facts in TYPOLOGY.items():
        for name, known in VALUES.items():
            assert getattr(facts, name) in known, (code, name)
        assert sum(getattr(facts, name) is None for name in FEATURES) <= 1, code


def test_facts_that_every_grammar_gives() -> None:
    assert [word_order(code) for code in ("en", "ja", "ar", "de")] == ["SVO", "SOV", "VSO", "mixed"]
    assert {code for code, facts in TYPOLOGY.items() if facts.tone == "yes"} == set(
        "ja my pa th vi yo zh".split()
    )
    # XLM-R was not trained on these four of XTREME and XTREME-R.
    assert {c for c, f in TYPOLOGY.items() if f.pretraining_gib is None} == {"ht", "qu", "wo", "yo"}
    assert typology("sw").pretraining_gib == 1.6


def test_distance_is_a_share_of_differences() -> None:
    assert typological_distance("en") == 0
    for one, other in (("de", "fr"), ("ja", "sw"), ("uk", "jv")):
        assert typological_distance(one, other) == typological_distance(other, one)
    # Adposition, genitive, order, relative, case and tone; not adjective, numeral or gender.
    assert typological_distance("ja") == pytest.approx(6 / 9)
    assert typological_distance("jv") == pytest.approx(2 / 8), "the numeral is not known"
    near, far = ("af", "nl", "bg", "vi"), ("tr", "my", "ta", "ko")
    assert max(map(typological_distance, near)) < min(map(typological_distance, far))


def test_scripts() -> None:
    assert [script_of(code) for code in ("sw", "ru", "ur", "zh")] == [
        "Latin",
        "Cyrillic",
        "Arabic",
        "Han",
    ]
    assert [script_distance(code) for code in ("vi", "el", "hi")] == [0, 0.5, 1]
    assert {script_of(code) for code in LANGUAGES}.isdisjoint({"other"})


@pytest.mark.parametrize("by", GROUPINGS)
def test_groups_hold_every_language_once(by: str) -> None:
    groups = grouped([*LANGUAGES, "xx"], by)
    assert sorted(code for codes in groups.values() for code in codes) == sorted([*LANGUAGES, "xx"])
    *known, last = groups
    assert last == "other"
    assert groups["other"] == ["xx"]
    assert [len(groups[name]) for name in known] == sorted(
        (len(groups[name]) for name in known), reverse=True
    )


def test_groups_are_named_as_readers_know_them() -> None:
    assert family_of("sw") == "Niger-Congo"
    assert family_of("hi") == "Indo-European"
    assert [distance_band(code) for code in ("en", "de", "tr")] == [
        "under 0.25",
        "0.25 to 0.5",
        "0.5 and over",
    ]
