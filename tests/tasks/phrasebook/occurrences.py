"""How often an answer stands in a text; for the tests of questions about contexts."""

import unicodedata

from dstilts.tasks.phrasebook.format import Language


def occurrences(context: str, answer: str, language: Language) -> int:
    """How often the answer occurs in the context, as whole words where spaces mark words."""
    count, place = 0, context.find(answer)
    while place >= 0:
        before, after = context[:place][-1:], context[place + len(answer) :][:1]
        count += language.joiner == "" or not (
            _joined(before, answer[0]) or _joined(answer[-1], after)
        )
        place = context.find(answer, place + 1)
    return count


def _joined(one: str, other: str) -> bool:
    """Two letters (or vowel signs, or Persian joiners), or two digits: they make one word."""
    kinds = [c and ("digit" if c.isdigit() else _in_word(c) and "letter") for c in (one, other)]
    return bool(kinds[0]) and kinds[0] == kinds[1]


def _in_word(character: str) -> bool:
    return character.isalpha() or unicodedata.category(character) in ("Mn", "Mc", "Cf")
