"""Replacing English words of one example at random by what lexicons have for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from dstilts.core.random_numbers import stream
from dstilts.tasks.examples import Answer
from dstilts.tasks.transform.edits import Edit, cuts, edited
from dstilts.tasks.transform.lexicon import Lexicon
from dstilts.tasks.transform.words import WORD, normal, with_case_of


@dataclass
class Count:
    """Words that were met, that some lexicon has, and that were replaced."""

    words: int = 0
    known: int = 0
    replaced: int = 0


class Switcher:
    """Replaces words of one example, in turn, with random numbers that hang on its name alone."""

    def __init__(
        self, name: Sequence[str | int], rate: float, lexicons: Sequence[Lexicon], count: Count
    ) -> None:
        self._draws = stream("code switch", *name)
        self._rate = rate
        self._lexicons = lexicons
        self._count = count

    def draw_language(self) -> None:
        """Takes all further words from one of the lexicons."""
        self._lexicons = [self._lexicons[int(self._draws.random() * len(self._lexicons))]]

    def text(self, text: str) -> str:
        """The text with words replaced."""
        return edited(text, self.edits(text))

    def edits(self, text: str, answers: Sequence[Answer] = ()) -> list[Edit]:
        """The replacements of a text's words; a word that an answer cuts stays."""
        found = []
        for match in WORD.finditer(text):
            whole = not cuts(answers, match.start(), match.end())
            translation = self.word(match[0], whole)
            if translation is not None:
                found.append(Edit(match.start(), match.end(), translation))
        return found

    def choices(self, choices: tuple[str, ...]) -> tuple[str, ...]:
        """The choices with words replaced, or as they are where two would become the same."""
        before = self._count.replaced
        changed = tuple(map(self.text, choices))
        if len(set(changed)) < len(set(choices)):
            self._count.replaced = before
            return choices
        return changed

    def word(self, word: str, may_change: bool = True) -> str | None:
        """What takes an English word's place; None: it stays."""
        # Three numbers for each word, whatever becomes of it: the next word's do not hang on it.
        chance, which_language, which_translation = self._draws.random(3).tolist()
        key = normal(word)
        knowing = [lexicon for lexicon in self._lexicons if key in lexicon.entries]
        self._count.words += 1
        self._count.known += bool(knowing)
        if not knowing or not may_change or chance >= self._rate:
            return None
        self._count.replaced += 1
        lexicon = knowing[int(which_language * len(knowing))]
        translations = lexicon.entries[key]
        chosen = translations[int(which_translation * len(translations))]
        return with_case_of(word, chosen, lexicon.language)
