"""The phrasebook's entries as a lexicon."""

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.transform.lexicon import open_lexicon
from dstilts.tasks.transform.phrasebook_lexicon import phrasebook_lexicon
from dstilts.tasks.transform.words import WORD, normal


def test_single_words_without_articles() -> None:
    french = phrasebook_lexicon("fr").entries
    assert french["museum"] == ("musée",)
    assert french["apples"] == ("pommes",)
    assert french["exhibition"] == ("exposition",)
    assert "the" not in french
    assert "anna" not in french  # the same in French


@pytest.mark.parametrize("language", ["ja", "zh", "ru"])
def test_every_entry_can_be_found(language: str) -> None:
    lexicon = open_lexicon("phrasebook", None, language)
    assert len(lexicon) > 100
    for word, translations in lexicon.entries.items():
        assert WORD.fullmatch(word)
        assert normal(word) == word
        assert all(text == text.strip() and text for text in translations)


def test_no_such_language() -> None:
    with pytest.raises(UserError, match="unknown phrasebook language 'xx'"):
        phrasebook_lexicon("xx")
    with pytest.raises(UserError, match="English is not switched to English"):
        phrasebook_lexicon("en")
