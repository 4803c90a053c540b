"""English words in a text, as a lexicon looks them up and as they are replaced."""

import re
import unicodedata

# Letters, with the accents that may follow them as characters of their own.
_LETTERS = r"(?:[^\W\d_][\u0300-\u036f]*+)++"
# "don't" is one word; "B2B" and "snake_case" have none that could be replaced.
WORD = re.compile(rf"(?<!\w){_LETTERS}(?:['’]{_LETTERS})*+(?!\w)")

# Where the capital of "i" keeps its dot.
_CAPITAL_I = {"tr": "İ", "az": "İ"}


def normal(word: str) -> str:
    """The form under which a lexicon has an English word: lower case, composed, a straight '."""
    return unicodedata.normalize("NFC", word).replace("’", "'").lower()


def with_case_of(word: str, translation: str, language: str) -> str:
    """The translation with the capitals of the English word, where its script has capitals.

    A translation that has capitals of its own (a German noun) keeps them; "I" is no capital.
    """
    if word.split("'")[0].split("’")[0] == "I" or not word[0].isupper():
        return translation
    whole = len(word) > 1 and word.isupper()
    return "".join(
        _capital(character, language) if whole or index == 0 else character
        for index, character in enumerate(translation)
    )


def _capital(character: str, language: str) -> str:
    if character == "i":
        return _CAPITAL_I.get(language, "I")
    # title(), since upper() would turn Georgian into its all-capitals script.
    return character.title()
