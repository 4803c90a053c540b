"""Bilingual lexicons, English to another language, from wherever the options say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

LexiconName = Literal["phrasebook", "muse", "learned"]


@dataclass(frozen=True)
class Lexicon:
    """What English words are in one language.

    Attributes:
        entries: by English word (see `words.normal`), one translation or several; none is the
            English word itself.
    """

    language: str
    entries: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.entries)

    def of_single_words(self) -> "Lexicon":
        """The lexicon without translations of several words."""
        entries = {
            word: kept
            for word, translations in self.entries.items()
            if (kept := tuple(text for text in translations if len(text.split()) == 1))
        }
        return Lexicon(self.language, entries)


def collected(language: str, pairs: Mapping[str, list[str]]) -> Lexicon:
    """A lexicon of these translations, each once, without those that repeat the English word."""
    entries = {}
    for word, translations in pairs.items():
        others = tuple(
            text for text in dict.fromkeys(translations) if text.casefold() != word.casefold()
        )
        if others:
            entries[word] = others
    return Lexicon(language, entries)


def open_lexicon(name: LexiconName, folder: Path | None, language: str) -> Lexicon:
    """The lexicon of one language.

    Raises:
        UserError: there is none, or a file is broken.
    """
    if name == "phrasebook":
        from dstilts.tasks.transform.phrasebook_lexicon import phrasebook_lexicon

        return phrasebook_lexicon(language)
    assert folder is not None  # the options see to it
    if name == "muse":
        from dstilts.tasks.transform.muse import read_muse

        return read_muse(folder, language)
    from dstilts.tasks.transform.learned import learned_lexicon

    return learned_lexicon(folder, language)
