"""Sentences whose names of persons, cities and companies are tagged (PAN-X)."""

from functools import lru_cache

from dstilts.tasks.examples import TaggingExample
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import Filled, Part, filled_frames, statement_frames
from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import Plan, load_plan
from dstilts.tasks.phrasebook.sentence import Sentence

ENTITY_TYPES = {"person": "PER", "city": "LOC", "company": "ORG"}  # by class
_NO_NAME = ("ADP", "DET", "PUNCT")


def entity_examples(part: Part, language: Language) -> tuple[TaggingExample, ...]:
    """Statements with IOB2 tags, the same ones in the same order for every language.

    An entity's tokens are the proper nouns of its slot, without adpositions and articles, each
    with the endings written onto it.
    """
    plan = load_plan()
    return tuple(
        TaggingExample(f"{part.split}-{index:04d}", *_tagged(filled.sentence(language, plan)))
        for index, filled in enumerate(_sentences(part))
    )


def _tagged(sentence: Sentence) -> tuple[tuple[str, ...], tuple[str, ...]]:
    tags = ["O"] * len(sentence.words)
    for slot, (first, last) in sentence.places.items():
        if slot_class(slot) in ENTITY_TYPES:
            name = _name(sentence, range(first, last + 1))
            for index in range(name[0], name[-1] + 1):
                position = "B" if index == name[0] else "I"
                tags[index] = f"{position}-{ENTITY_TYPES[slot_class(slot)]}"
    return _with_endings(sentence, tags)


def _name(sentence: Sentence, inside: range) -> list[int]:
    """The words of a slot that are its name: an adjective where that is all it has (Hungarian)."""
    proper = [index for index in inside if sentence.tags[index] == "PROPN"]
    return proper or [index for index in inside if sentence.tags[index] not in _NO_NAME]


def _with_endings(sentence: Sentence, tags: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tokens: words that follow a name without a space are parts of its token."""
    tokens: list[str] = []
    kept: list[str] = []
    glued = False  # to a name
    for word, tag, upos, seam in zip(
        sentence.words, tags, sentence.tags, sentence.seams, strict=True
    ):
        if glued and tag[0] != "B" and upos != "PUNCT":
            tokens[-1] += word
        else:
            tokens.append(word)
            kept.append(tag)
        glued = seam == "+" and kept[-1] != "O"
    return tuple(tokens), tuple(kept)


@lru_cache(maxsize=16)
def _sentences(part: Part) -> tuple[Filled, ...]:
    plan = load_plan()
    return filled_frames(plan, naming_frames(plan), part)


def naming_frames(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The statements that name a person, a city or a company."""
    return {
        frame: slots
        for frame, slots in statement_frames(plan).items()
        if any(slot_class(slot) in ENTITY_TYPES for slot in slots)
    }
