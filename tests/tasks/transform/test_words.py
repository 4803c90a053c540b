"""English words in a text, and capitals carried over to a translation."""

import pytest

from dstilts.tasks.transform.words import WORD, normal, with_case_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't know Anna's cat.", ["I", "don't", "know", "Anna's", "cat"]),
        ("it’s 'quoted' — well-known", ["it’s", "quoted", "well", "known"]),
        ("B2B snake_case 1st a1 don't1 x", ["x"]),
        ("café cafe\u0301 naïve", ["café", "cafe\u0301", "naïve"]),
        ("", []),
        ("12 % ... 東京", ["東京"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert WORD.findall(text) == words


def test_the_form_that_is_looked_up() -> None:
    assert normal("Don’t") == "don't"
    assert normal("Cafe\u0301") == "café"


@pytest.mark.parametrize(
    ("word", "translation", "language", "expected"),
    [
        ("dog", "Hund", "de", "Hund"),
        ("Big", "groß", "de", "Groß"),
        ("BIG", "dev", "tr", "DEV"),
        ("Work", "iş", "tr", "İş"),
        ("Work", "ish", "sq", "Ish"),
        ("I", "ich", "de", "ich"),
        ("I'm", "bin", "de", "bin"),
        ("A", "ein", "de", "Ein"),
        ("Tea", "茶", "zh", "茶"),
        ("TEA", "ჩაი", "ka", "ჩაი"),
        ("Tea", "чай", "ru", "Чай"),
    ],
)
def test_capitals(word: str, translation: str, language: str, expected: str) -> None:
    assert with_case_of(word, translation, language) == expected
