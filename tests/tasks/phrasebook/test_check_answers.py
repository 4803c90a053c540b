"""Answers that other words of a context contain."""

from pathlib import Path

import pytest

from dstilts.tasks.phrasebook.check import check_language
from dstilts.tasks.phrasebook.format import LANGUAGES_FOLDER


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("Geschichte|NOUN", "Hut|NOUN", None),
        ("Regenschirm|NOUN", "Brot|NOUN", "food.bread is contained in belonging.umbrella"),
        ("Regenschirm|NOUN", "Brotkorb|NOUN", None),  # a part of a word
        ('history = "Geschichte', 'history = "Schule', "subject.history is contained in teach"),
        ('"Geschichte|NOUN"', '"alte|ADJ Sprache|NOUN"', None),
    ],
)
def test_words_contained_in_others_are_found(
    tmp_path: Path, before: str, after: str, problem: str | None
) -> None:
    text = (LANGUAGES_FOLDER / "de.toml").read_text(encoding="utf-8")
    assert before in text
    changed = tmp_path / "de.toml"
    changed.write_text(text.replace(before, after, 1), encoding="utf-8")
    problems = check_language(changed)
    if problem is None:
        assert problems == []
    else:
        assert any(problem in found for found in problems), problems


def test_any_part_counts_where_no_spaces_mark_words(tmp_path: Path) -> None:
    text = (LANGUAGES_FOLDER / "zh.toml").read_text(encoding="utf-8")
    changed = tmp_path / "zh.toml"
    changed.write_text(text.replace("咖啡|NOUN", "米饭咖啡|NOUN", 1), encoding="utf-8")
    assert any("food.rice is contained in drink.coffee" in p for p in check_language(changed))
