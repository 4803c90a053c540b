"""Reading language files."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.phrasebook.format import (
    LANGUAGES_FOLDER,
    available_languages,
    load_language,
    read_language,
)
from dstilts.tasks.phrasebook.plan import Ref, load_plan


def test_forms_come_from_patterns_and_exceptions() -> None:
    german = load_language("de").lexicon
    assert [word.forms for word in german[Ref("thing", "apples")].forms["no"]] == [
        ("keine",),
        ("Äpfel",),
    ]
    assert german[Ref("kind", "fruit")].forms["no"][0].forms == ("kein",)  # forms of thing
    assert german[Ref("number", "25")].forms["base"][0].forms == ("25",)  # not listed: digits


def test_the_plan_gives_persons_their_gender_in_every_language() -> None:
    for code in available_languages():
        lexicon = load_language(code).lexicon
        assert lexicon[Ref("person", "anna")].agreement == 1
        assert lexicon[Ref("person", "oscar")].agreement == 0


def test_an_unknown_language_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="unknown phrasebook language 'eng'; did you mean 'en'"):
        load_language("eng")


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('anna = "Anna"\n', "", "lexicon.person.anna"),
        ('code = "en"\n', "", "code"),
        ("lives|VERB", "lives|VRB", "no UPOS tag"),
        ("[lexicon.city]", "[lexicon.city", "not a language file"),
    ],
)
def test_a_broken_file_is_the_users_mistake(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    text = (LANGUAGES_FOLDER / "en.toml").read_text(encoding="utf-8")
    broken = tmp_path / "en.toml"
    broken.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(UserError, match=problem):
        read_language(broken, load_plan())
