"""Raw sentences to be masked, in every language."""

from functools import lru_cache

from dstilts.tasks.examples import TextExample
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import Filled, Part, filled_frames, sentence_frames
from dstilts.tasks.phrasebook.plan import load_plan


def text_examples(part: Part, language: Language) -> tuple[TextExample, ...]:
    """Statements and questions of a split, the same ones in the same order for every language."""
    plan = load_plan()
    return tuple(
        TextExample(f"{part.split}-{index:04d}", filled.sentence(language, plan).text)
        for index, filled in enumerate(_sentences(part))
    )


@lru_cache(maxsize=4)
def _sentences(part: Part) -> tuple[Filled, ...]:
    plan = load_plan()
    return filled_frames(plan, sentence_frames(plan), part)
