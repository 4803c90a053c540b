"""The lexicon of the phrasebook's entries: single English words and their translations."""

from collections import defaultdict
from collections.abc import Sequence

from dstilts.core.errors import UserError
from dstilts.tasks.phrasebook.format import Language, load_language
from dstilts.tasks.phrasebook.notation import Word
from dstilts.tasks.transform.lexicon import Lexicon, collected
from dstilts.tasks.transform.words import WORD, normal


def phrasebook_lexicon(language: str) -> Lexicon:
    """Every entry that is one word in English, articles apart, in its base form.

    Raises:
        UserError: the phrasebook does not have the language, or the language is English.
    """
    if language == "en":
        raise UserError("English is not switched to English")
    english, other = load_language("en"), load_language(language)
    pairs: dict[str, list[str]] = defaultdict(list)
    for ref, entry in english.lexicon.items():
        word = _text(entry.forms["base"], english)
        if WORD.fullmatch(word) and (text := _text(other.lexicon[ref].forms["base"], other)):
            pairs[normal(word)].append(text)
    return collected(language, pairs)


def _text(words: Sequence[Word], language: Language) -> str:
    """The words without articles, in the form that agrees with nothing."""
    kept = [word for word in words if word.tag != "DET"]
    seams = {"": language.joiner, "+": "", "_": " "}
    return "".join(word.forms[0] + seams[word.seam] for word in kept).strip()
