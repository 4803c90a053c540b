"""Questions of which a third are not answered by their context (SQuAD v2.0)."""

from functools import lru_cache

import numpy as np

from dstilts.tasks.examples import SpanExample
from dstilts.tasks.phrasebook.contexts import (
    Item,
    confusing,
    near_miss,
    question_slots,
    shuffled_item,
    topics,
    unrelated,
    usable_question,
)
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generate_span import examples_of
from dstilts.tasks.phrasebook.generator import Filled, Part, filled_frames
from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import Plan, Question, Values, load_plan

_NUM_OTHERS = 2  # statements of other frames than the two that the question could be about


def no_answer_examples(part: Part, language: Language) -> tuple[SpanExample, ...]:
    """The questions of a split, the same ones in the same order for every language.

    Every context has two statements of the frame that is asked about. Where the question has no
    answer, each of the two differs from what it asks in another entry, so that the context has all
    it names; else one of them answers. A question that names one person alone finds this person in
    a statement of another frame. So neither the length nor frames nor names tell what has answers.
    """
    return examples_of(no_answer_items(part), part, language)


@lru_cache(maxsize=16)
def no_answer_items(part: Part) -> tuple[Item, ...]:
    """The questions of a split with their contexts, in no language yet."""
    plan = load_plan()
    rng = part.stream()
    filled = filled_frames(plan, question_slots(plan), part, usable_question(plan, part))
    answered = rng.permutation(len(filled)) >= len(filled) // 3
    return tuple(
        _item(plan, one, bool(has_answer), part, rng)
        for one, has_answer in zip(filled, answered, strict=True)
    )


def _item(
    plan: Plan, filled: Filled, has_answer: bool, part: Part, rng: np.random.Generator
) -> Item:
    question = plan.questions[filled.frame]
    entries, frames = confusing(plan, filled)
    used = set(filled.values.values()) | entries
    statements = [Filled(question.about, filled.values)] if has_answer else []
    answers = [filled.values[question.answer]]
    order = rng.permutation(len(question.slots))
    while len(statements) < 2:
        changed = question.slots[order[len(statements) % len(order)]]
        miss = near_miss(plan, filled.frame, filled.values, changed, part, rng, used, answers)
        statements.append(miss)
        answers.append(miss.values[question.answer])
        used |= set(miss.values.values())

    rest = [t for t in topics(plan, part) if t not in {question.about, *question.also, *frames}]
    others = [rest[index] for index in rng.permutation(len(rest))]
    given: Values = {}
    if question.slots == ("person",):
        # First a statement about the person, with no slot that an answer could come from.
        others.sort(key=lambda topic: not _tells_else(plan, topic, question))
        given = {"person": filled.values["person"]}
    for frame in others[:_NUM_OTHERS]:
        statements.append(unrelated(plan, frame, part, rng, used, given))
        used |= set(statements[-1].values.values())
        given = {}
    return shuffled_item(plan, filled, statements, rng)


def _tells_else(plan: Plan, topic: str, question: Question) -> bool:
    slots = plan.statements[topic]
    return "person" in slots and slot_class(question.answer) not in map(slot_class, slots)
