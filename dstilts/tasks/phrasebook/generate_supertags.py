"""English statements with their supertags (CCGbank, Parallel Meaning Bank)."""

from functools import lru_cache

from dstilts.tasks.examples import TaggingExample
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import Filled, Part, filled_frames, statement_frames
from dstilts.tasks.phrasebook.plan import load_plan
from dstilts.tasks.phrasebook.supertags import pmb_spelling, supertags


def supertag_examples(part: Part, language: Language) -> tuple[TaggingExample, ...]:
    """The statements of a split; `language` is English, the only one that has supertags.

    Frequent words have several categories, by what follows: "in" stands before the place where
    one lives, where one bought something, and where the museum is.
    """
    plan = load_plan()
    examples = []
    for index, filled in enumerate(_sentences(part)):
        tags = supertags(filled)
        if part.task == "ccg_pmb":
            tags = tuple(map(pmb_spelling, tags))
        words = filled.sentence(language, plan).words
        examples.append(TaggingExample(f"{part.split}-{index:04d}", words, tags))
    return tuple(examples)


@lru_cache(maxsize=16)
def _sentences(part: Part) -> tuple[Filled, ...]:
    plan = load_plan()
    return filled_frames(plan, statement_frames(plan), part)
