"""Parallel sentences, for the retrieval of translations."""

from functools import lru_cache

from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.phrasebook.format import Language, load_language
from dstilts.tasks.phrasebook.generator import Filled, Part, filled_frames, sentence_frames
from dstilts.tasks.phrasebook.plan import load_plan


def parallel_examples(part: Part, language: Language) -> tuple[SentenceExample, ...]:
    """All sentences in `language`, then their English translations, in the same order."""
    plan, english = load_plan(), load_language("en")
    sources: list[SentenceExample] = []
    targets: list[SentenceExample] = []
    for index, filled in enumerate(_sentences(part)):
        source, target = f"source-{index:04d}", f"target-{index:04d}"
        text = filled.sentence(language, plan).text
        sources.append(SentenceExample(source, text, "source", (target,)))
        text = filled.sentence(english, plan).text
        targets.append(SentenceExample(target, text, "target", (source,)))
    return (*sources, *targets)


@lru_cache(maxsize=4)
def _sentences(part: Part) -> tuple[Filled, ...]:
    plan = load_plan()
    return filled_frames(plan, sentence_frames(plan), part)
