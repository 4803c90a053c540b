"""Making a sentence: a frame of one language with its slots filled."""

from collections.abc import Iterator
from dataclasses import dataclass

from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.notation import Slot, Word
from dstilts.tasks.phrasebook.plan import Plan, Values

_CLOSING = frozenset(".,;:!?…。、，；？！،؛؟۔।॥၊။")
_OPENING = frozenset("¿¡(«„")
_CAPITAL_I = {"tr": "İ", "az": "İ"}  # where the capital of "i" keeps its dot


@dataclass(frozen=True)
class Sentence:
    """A sentence as words with tags, as text, and where each slot's filler stands in the text."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    text: str
    spans: dict[str, tuple[int, int]]  # slot -> characters, without adpositions at the edges
    places: dict[str, tuple[int, int]]  # slot -> its first and its last word, likewise
    seams: tuple[str, ...]  # of each word: "+": the next one follows without a space


def realise(language: Language, plan: Plan, frame: str, values: Values) -> Sentence:
    """The sentence of `frame` (a statement or question) with `values` in its slots."""
    placed = [
        (word.forms[agreement_index(language, word, values)], word.tag, word.seam, slot)
        for word, slot in _placed_words(language, frame, values)
    ]
    end = language.question_mark if frame in plan.questions else language.full_stop
    tags = [tag for _, tag, *_ in placed]
    words = _capitalised([text for text, *_ in placed], tags, language)
    seams = [seam for *_, seam, _ in placed]
    text, starts = _joined(words, seams, language.joiner)
    spans, places = {}, {}
    for name in {slot for *_, slot in placed if slot}:
        first, last = without_adpositions([slot == name for *_, slot in placed], tags)
        spans[name] = (starts[first], starts[last] + len(words[last]))
        places[name] = (first, last)
    if end.strip():
        words, tags, seams = [*words, end.strip()], [*tags, "PUNCT"], [*seams, ""]
    return Sentence(tuple(words), tuple(tags), text + end, spans, places, tuple(seams))


def agreement_index(language: Language, word: Word, values: Values) -> int:
    """Which of the word's forms agrees with what fills the slot it agrees with."""
    if len(word.forms) == 1 or word.agrees_with not in values:
        return 0
    return language.lexicon[values[word.agrees_with]].agreement


def _placed_words(
    language: Language, frame: str, values: Values
) -> Iterator[tuple[Word, str | None]]:
    for piece in language.frames[frame]:
        if isinstance(piece, Slot):
            words = language.lexicon[values[piece.name]].forms[piece.form]
            yield from ((word, piece.name) for word in words[:-1])
            last = words[-1]
            yield (
                Word(last.forms, last.tag, last.agrees_with, last.seam or piece.seam),
                piece.name,
            )
        else:
            yield piece, None


def without_adpositions(inside: list[bool], tags: list[str]) -> tuple[int, int]:
    """The first and last word of a slot's filler: "Berlin" of "in Berlin".

    A verb phrase stays whole: "nager dans le lac", "im See schwimmen".
    """
    indices = [index for index, is_inside in enumerate(inside) if is_inside]
    if not any(tags[index] == "VERB" for index in indices):
        while len(indices) > 1 and tags[indices[0]] == "ADP":
            indices.pop(0)
        while len(indices) > 1 and tags[indices[-1]] == "ADP":
            indices.pop()
    return indices[0], indices[-1]


def _capitalised(words: list[str], tags: list[str], language: Language) -> list[str]:
    """The words with a capital at the start of the sentence, where the script has capitals."""
    for index, (word, tag) in enumerate(zip(words, tags, strict=True)):
        if tag != "PUNCT":
            # title(), since upper() would turn Georgian into its all-capitals script.
            capital = _CAPITAL_I.get(language.code, "I") if word[0] == "i" else word[0].title()
            return [*words[:index], capital + word[1:], *words[index + 1 :]]
    return words


def _joined(words: list[str], seams: list[str], joiner: str) -> tuple[str, list[int]]:
    text, starts = "", []
    for index, word in enumerate(words):
        tight = (
            index == 0
            or seams[index - 1] == "+"
            or word[0] in _CLOSING
            or (len(words[index - 1]) == 1 and words[index - 1] in _OPENING)
        )
        text += "" if tight else " " if seams[index - 1] == "_" else joiner
        starts.append(len(text))
        text += word
    return text, starts
