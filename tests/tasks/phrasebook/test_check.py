"""The checker of language files: sound files pass, each kind of mistake is found."""

from pathlib import Path

import pytest

from dstilts.tasks.languages import LANGUAGES
from dstilts.tasks.phrasebook.check import check_language
from dstilts.tasks.phrasebook.format import LANGUAGES_FOLDER, available_languages, load_language


@pytest.mark.parametrize("code", available_languages())
def test_every_language_file_is_sound(code: str) -> None:
    assert check_language(LANGUAGES_FOLDER / f"{code}.toml") == []


def test_the_languages_span_families_and_scripts() -> None:
    languages = [load_language(code) for code in available_languages()]
    assert len(languages) >= 15
    assert len({language.family.partition(":")[0] for language in languages}) >= 8
    assert len({language.script for language in languages}) >= 6
    for language in languages:
        assert language.script == LANGUAGES[language.code].script
        assert language.name == LANGUAGES[language.code].name
        assert language.family.startswith(LANGUAGES[language.code].family)
        assert bool(language.note) == (language.review == "unsure")


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('script = "Cyrl"', 'script = "Cyrl"\nscrip = "x"', "unknown keys"),
        ('script = "Cyrl"', 'script = "Latn"', "is not of the script Latn"),
        ('review = "reviewed"', 'review = "fine"', "review must be one of"),
        ('code = "ru"', 'code = "rus"', "differs from the file's name"),
        ('joiner = " "', 'joiner = "-"', "joiner must be"),
        ('rice = "рис|NOUN"', "", "missing: lexicon.food.rice"),
        ('rice = "рис|NOUN"', 'rice = ""', "empty"),
        ('rice = "рис|NOUN"', 'rice = "рис"', "has no tag"),
        ('rice = "рис|NOUN"', 'rice = "ricе|NOUN"', "is not of the script Cyrl"),
        ('rice = "рис|NOUN"', 'rice = "рис|NOUN"\nbeer = "пиво|NOUN"', "unknown entry"),
        ('rice = "рис|NOUN"', 'rice = "сыр|NOUN"', "cheese and rice are the same"),
        ('rice = "рис|NOUN"', 'rice = "ыр|NOUN"', None),  # part of a word only
        ('rice = "рис|NOUN"', 'rice = "белый|ADJ сыр|NOUN"', "cheese is contained in rice"),
        ('rice = "рис|NOUN"', 'rice = { base = "рис|NOUN", acc = "рис|NOUN" }', "undeclared"),
        ("{city.loc} и|CCONJ работает", "{city.gen} и|CCONJ работает", "no form 'gen'"),
        ("{city.loc} и|CCONJ работает", "и|CCONJ работает", "slots ['job', 'person']"),
        ("открыт~открыта@place", "открыт@place", None),  # one form for all: nothing to agree
        ("купил~купила", "купил~купила@place", "agrees with 'place', not in it"),
        ('work = "{person} работает|VERB {job}"', "", "missing frame statements.work"),
        ("{person} работает|VERB {job}", "{person} не|PART живёт|VERB в|ADP {city.loc}", "slots"),
        ("{person} не|PART живёт|VERB", "{person} живёт|VERB", "live and not_live are the same"),
        ("agr = 1", "agr = 2", "lacks the form number 2"),
        ('toronto = "Торонто"', 'toronto = "Торонтои\u0306"', "normal form C"),
    ],
)
def test_each_mistake_is_found(
    tmp_path: Path, before: str, after: str, problem: str | None
) -> None:
    text = (LANGUAGES_FOLDER / "ru.toml").read_text(encoding="utf-8")
    assert before in text
    changed = tmp_path / "ru.toml"
    changed.write_text(text.replace(before, after, 1), encoding="utf-8")
    problems = check_language(changed)
    if problem is None:
        assert problems == []
    else:
        assert any(problem in found for found in problems), problems


def test_a_file_that_is_no_toml_is_one_problem(tmp_path: Path) -> None:
    broken = tmp_path / "xx.toml"
    broken.write_text("code = ", encoding="utf-8")
    assert len(check_language(broken)) == 1
    broken.write_text('code = "xx"', encoding="utf-8")
    assert any("is missing" in problem for problem in check_language(broken))
