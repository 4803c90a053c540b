"""MLQA's normalizer of answers for each of its languages, as in its official scorer."""

import functools
import re
import string
import sys
import unicodedata

from dstilts.tasks.metrics.spans import Normalizer

# The words that are dropped; Hindi and Chinese drop none. In Arabic a prefix is dropped wherever it
# stands: the official pattern asks for it anywhere.
_ARTICLES = {
    "ar": re.compile(r"ال"),
    "de": re.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "en": re.compile(r"\b(a|an|the)\b"),
    "es": re.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "vi": re.compile(r"\b(của|là|cái|chiếc|những)\b"),
}
LANGUAGES = ("ar", "de", "en", "es", "hi", "vi", "zh")
_HAN = re.compile(r"[\u4e00-\u9fa5]")


def normalizer(language: str) -> Normalizer:
    """The normalizer of a language.

    Lower case; without punctuation of any script and the language's articles; single spaces, in
    Chinese around every character.

    Raises:
        ValueError: MLQA has no such language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"MLQA has no rules for {language!r}: it has {', '.join(LANGUAGES)}")
    return functools.partial(_normalize, language=language)


@functools.lru_cache(maxsize=1)
def _punctuation() -> dict[int, None]:
    categories = ((code, unicodedata.category(chr(code))) for code in range(sys.maxunicode))
    marks = {code for code, category in categories if category.startswith("P")}
    return dict.fromkeys(marks | set(map(ord, string.punctuation)))


def _normalize(text: str, language: str) -> str:
    text = text.lower().translate(_punctuation())
    if language in _ARTICLES:
        text = _ARTICLES[language].sub(" ", text)
    if language == "zh":
        text = _HAN.sub(lambda match: f" {match[0]} ", text)
    return " ".join(text.split())
