"""Sentences with their part-of-speech tags."""

from functools import lru_cache

from dstilts.tasks.examples import TaggingExample
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import Filled, Part, filled_frames, sentence_frames
from dstilts.tasks.phrasebook.plan import load_plan


def tagging_examples(part: Part, language: Language) -> tuple[TaggingExample, ...]:
    """Statements and questions of a split, the same ones in the same order for every language.

    Their domain is the frame: what is said, or asked.
    """
    plan = load_plan()
    sentences = [(filled.frame, filled.sentence(language, plan)) for filled in _sentences(part)]
    return tuple(
        TaggingExample(f"{part.split}-{index:04d}", sentence.words, sentence.tags, frame)
        for index, (frame, sentence) in enumerate(sentences)
    )


@lru_cache(maxsize=16)
def _sentences(part: Part) -> tuple[Filled, ...]:
    plan = load_plan()
    return filled_frames(plan, sentence_frames(plan), part)
