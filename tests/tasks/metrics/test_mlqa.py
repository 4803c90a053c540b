"""MLQA's normalizer, language by language."""

import pytest

from dstilts.tasks.metrics.mlqa import LANGUAGES, normalizer
from dstilts.tasks.metrics.spans import word_f1


@pytest.mark.parametrize(
    ("language", "text", "normal"),
    [
        ("en", "The  Cat, an-imal!", "cat animal"),
        ("en", "\u201cthe\u201d $5 dog\u2026", "5 dog"),  # punctuation of any script
        ("en", "a \u20ac5 bill", "\u20ac5 bill"),  # a euro sign is a symbol, no punctuation
        ("de", "Einem Mann, der das sah", "mann sah"),
        ("de", "dasein", "dasein"),
        ("es", "\u00bfUna casa de los reyes?", "casa de reyes"),
        ("vi", "Nh\u1eefng c\u00e1i c\u00e2y c\u1ee7a t\u00f4i", "c\u00e2y t\u00f4i"),
        # The prefix goes wherever it stands, inside of words too.
        ("ar", "\u0627\u0644\u0628\u064a\u062a", "\u0628\u064a\u062a"),
        ("ar", "\u0628\u0627\u0644\u0628", "\u0628 \u0628"),
        (
            "hi",
            "\u0905\u0917\u0938\u094d\u0924\u0964 the 5",
            "\u0905\u0917\u0938\u094d\u0924 the 5",
        ),
        ("zh", "\u5728 1990\u5e74\uff0cNew York\u3002", "\u5728 1990 \u5e74 new york"),
        ("zh", "the \u3042\u9fa5\u9fa6", "the \u3042 \u9fa5 \u9fa6"),  # up to U+9FA5 only
    ],
)
def test_rules_of_the_language(language: str, text: str, normal: str) -> None:
    assert normalizer(language)(text) == normal


def test_chinese_words_are_characters() -> None:
    # Two of three characters each way.
    f1 = word_f1("\u5317\u4eac\u5e02", "\u5317\u4eac\u4eba", normalizer("zh"))
    assert f1 == pytest.approx(2 / 3)
    assert word_f1("\u5317\u4eac\u5e02", "\u5317\u4eac\u4eba") == 0.0, "one word each by SQuAD"


def test_no_other_language() -> None:
    assert len(LANGUAGES) == 7
    with pytest.raises(ValueError, match=r"no rules for 'fr': it has ar, de, en, es, hi, vi, zh"):
        normalizer("fr")
