"""Comparable text: two sides of sentences, of which some are translations (BUCC 2018)."""

from functools import lru_cache

from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.phrasebook.format import Language, load_language
from dstilts.tasks.phrasebook.generator import Filled, Part, filled_frames, sentence_frames
from dstilts.tasks.phrasebook.plan import load_plan

_NUM_GROUPS = 3  # translated sentences, and as many that stand on one side only


def bucc_examples(part: Part, language: Language) -> tuple[SentenceExample, ...]:
    """All sentences in `language`, then the English ones; the same content for every language.

    Half of each side have a translation on the other one. All frames are on both sides, and most
    sentences have others of the same frame there: entries must match, not frames alone. Both sides
    are in random order, with ids like the official ones.
    """
    plan, english = load_plan(), load_language("en")
    source_side, target_side = _sides(part)
    source_ids = {f.key(): _id(language.code, n) for n, f in enumerate(source_side, start=1)}
    target_ids = {f.key(): _id("en", n) for n, f in enumerate(target_side, start=1)}
    sources = [
        SentenceExample(
            source_ids[filled.key()],
            filled.sentence(language, plan).text,
            "source",
            (target_ids[filled.key()],) if filled.key() in target_ids else (),
        )
        for filled in source_side
    ]
    targets = [
        SentenceExample(
            target_ids[filled.key()],
            filled.sentence(english, plan).text,
            "target",
            (source_ids[filled.key()],) if filled.key() in source_ids else (),
        )
        for filled in target_side
    ]
    return (*sources, *targets)


def _id(code: str, number: int) -> str:
    return f"{code}-{number:09d}"


@lru_cache(maxsize=8)
def _sides(part: Part) -> tuple[tuple[Filled, ...], tuple[Filled, ...]]:
    """Both sides; the size of the split is that of one side."""
    plan = load_plan()
    num_each = part.size // 2
    whole = Part(part.task, part.split, part.pool, _NUM_GROUPS * num_each)
    items = filled_frames(plan, sentence_frames(plan), whole)
    rng = part.stream()
    source_side = items[: 2 * num_each]
    target_side = (*items[:num_each], *items[2 * num_each :])
    return (
        tuple(source_side[index] for index in rng.permutation(len(source_side))),
        tuple(target_side[index] for index in rng.permutation(len(target_side))),
    )
