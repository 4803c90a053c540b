"""Questions about short texts: several statements, of which one has the answer."""

from functools import lru_cache

import numpy as np

from dstilts.tasks.examples import Answer, SpanExample
from dstilts.tasks.phrasebook.contexts import (
    Item,
    confusing,
    question_slots,
    shuffled_item,
    topics,
    unrelated,
    usable_question,
)
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import Filled, Part, filled_frames
from dstilts.tasks.phrasebook.plan import Plan, load_plan

_NUM_OTHER_STATEMENTS = 2  # besides the one with the answer and one of the same frame


def span_examples(part: Part, language: Language) -> tuple[SpanExample, ...]:
    """The questions of a split, the same ones in the same order for every language."""
    return examples_of(span_items(part), part, language)


def examples_of(items: tuple[Item, ...], part: Part, language: Language) -> tuple[SpanExample, ...]:
    """The items in a language."""
    plan = load_plan()
    return tuple(
        _example(f"{part.split}-{index:04d}-{item.question.frame}", item, plan, language)
        for index, item in enumerate(items)
    )


def _example(name: str, item: Item, plan: Plan, language: Language) -> SpanExample:
    sentences = [statement.sentence(language, plan) for statement in item.statements]
    texts = [sentence.text for sentence in sentences]
    context = language.sentence_joiner.join(texts)
    question = item.question.sentence(language, plan).text
    if item.place is None:
        return SpanExample(name, context, question, (), answerable=False)
    offset = sum(len(text) + len(language.sentence_joiner) for text in texts[: item.place])
    start, end = (offset + place for place in sentences[item.place].spans[item.answer])
    return SpanExample(name, context, question, (Answer(context[start:end], start),))


@lru_cache(maxsize=16)
def span_items(part: Part) -> tuple[Item, ...]:
    """The questions of a split with their contexts, in no language yet."""
    plan = load_plan()
    rng = part.stream()
    filled = filled_frames(plan, question_slots(plan), part, usable_question(plan, part))
    return tuple(_item(plan, one, part, rng) for one in filled)


def _item(plan: Plan, filled: Filled, part: Part, rng: np.random.Generator) -> Item:
    """The context of a question. No entry stands in two statements: there is one answer."""
    about = plan.questions[filled.frame].about
    statements = [Filled(about, filled.values)]
    entries, frames = confusing(plan, filled)
    used = set(filled.values.values()) | entries
    for frame in (about, *_other_frames(plan, about, part, rng, frames)):
        statements.append(unrelated(plan, frame, part, rng, used))
        used |= set(statements[-1].values.values())
    return shuffled_item(plan, filled, statements, rng)


def _other_frames(
    plan: Plan, about: str, part: Part, rng: np.random.Generator, banned: set[str]
) -> list[str]:
    usable = [topic for topic in topics(plan, part) if topic != about and topic not in banned]
    return [usable[i] for i in rng.choice(len(usable), _NUM_OTHER_STATEMENTS, replace=False)]
