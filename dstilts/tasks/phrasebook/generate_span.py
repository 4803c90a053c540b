"""Questions about short texts: several statements, of which one has the answer."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dstilts.tasks.examples import Answer, SpanExample
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import Filled, Part, draw_values, filled_frames
from dstilts.tasks.phrasebook.plan import Plan, load_plan

_NUM_OTHER_STATEMENTS = 2  # besides the one with the answer and one of the same frame


@dataclass(frozen=True)
class Item:
    """A question, the statements of its context, and which of them has the answer."""

    question: Filled
    answer: str  # the slot
    statements: tuple[Filled, ...]
    place: int


def span_examples(part: Part, language: Language) -> tuple[SpanExample, ...]:
    """The questions of a split, the same ones in the same order for every language."""
    plan = load_plan()
    return tuple(
        _example(f"{part.split}-{index:04d}-{item.question.frame}", item, plan, language)
        for index, item in enumerate(span_items(part))
    )


def _example(name: str, item: Item, plan: Plan, language: Language) -> SpanExample:
    sentences = [statement.sentence(language, plan) for statement in item.statements]
    texts = [sentence.text for sentence in sentences]
    offset = sum(len(text) + len(language.sentence_joiner) for text in texts[: item.place])
    start, end = (offset + place for place in sentences[item.place].spans[item.answer])
    context = language.sentence_joiner.join(texts)
    return SpanExample(
        id=name,
        context=context,
        question=item.question.sentence(language, plan).text,
        answers=(Answer(context[start:end], start),),
    )


@lru_cache(maxsize=8)
def span_items(part: Part) -> tuple[Item, ...]:
    """The questions of a split with their contexts, in no language yet."""
    plan = load_plan()
    rng = part.stream()
    slots = {name: plan.statements[question.about] for name, question in plan.questions.items()}
    return tuple(_item(plan, filled, part, rng) for filled in filled_frames(plan, slots, part))


def _item(plan: Plan, filled: Filled, part: Part, rng: np.random.Generator) -> Item:
    """The context of a question. No entry stands in two statements: there is one answer."""
    question = plan.questions[filled.frame]
    statements = [Filled(question.about, filled.values)]
    used = set(filled.values.values())
    for frame in (question.about, *_other_frames(plan, question.about, part, rng)):
        values = draw_values(plan, plan.statements[frame], part.pool, rng, used)
        statements.append(Filled(frame, values))
        used |= set(values.values())
    order = rng.permutation(len(statements))
    return Item(
        # Without the values it does not name: "who" must not agree with the answer's gender.
        question=Filled(filled.frame, {slot: filled.values[slot] for slot in question.slots}),
        answer=question.answer,
        statements=tuple(statements[index] for index in order),
        place=int(np.flatnonzero(order == 0)[0]),
    )


def _other_frames(plan: Plan, about: str, part: Part, rng: np.random.Generator) -> list[str]:
    topics = {question.about for question in plan.questions.values()} - {about}
    usable = sorted(topic for topic in topics if plan.usable(topic, part.pool))
    return [usable[i] for i in rng.choice(len(usable), _NUM_OTHER_STATEMENTS, replace=False)]
