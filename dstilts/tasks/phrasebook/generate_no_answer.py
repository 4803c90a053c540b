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
    stands_alone,
    topics,
)
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generate_span import examples_of
from dstilts.tasks.phrasebook.generator import Filled, Part, draw_values, filled_frames
from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import Plan, load_plan

_NUM_STATEMENTS = 4  # of every context


def no_answer_examples(part: Part, language: Language) -> tuple[SpanExample, ...]:
    """The questions of a split, the same ones in the same order for every language.

    Every context has as many statements, and one that would answer the question but for one entry.
    A question that names one person alone finds this person in another statement. So neither the
    length nor a name or a frame that both have tells whether there is an answer.
    """
    return examples_of(no_answer_items(part), part, language)


@lru_cache(maxsize=16)
def no_answer_items(part: Part) -> tuple[Item, ...]:
    """The questions of a split with their contexts, in no language yet."""
    plan = load_plan()
    rng = part.stream()
    filled = filled_frames(plan, question_slots(plan), part, stands_alone(plan))
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
    miss = near_miss(plan, filled, part, rng, used, [filled.values[question.answer]])
    assert miss, filled  # every class that questions name has entries enough
    statements.append(miss)
    used |= set(miss.values.values())

    rest = [t for t in topics(plan, part) if t not in {question.about, *question.also, *frames}]
    if question.slots == ("person",):
        # Another statement about the person, which has no slot that an answer could come from.
        answer = slot_class(question.answer)
        about_person = [
            topic
            for topic in rest
            if "person" in plan.statements[topic]
            and answer not in map(slot_class, plan.statements[topic])
        ]
        frame = about_person[rng.integers(len(about_person))]
        given = {"person": filled.values["person"]}
        values = draw_values(plan, plan.statements[frame], part.pool, rng, used, given)
        statements.append(Filled(frame, values))
        used |= set(values.values())
        rest.remove(frame)
    wanted = _NUM_STATEMENTS - len(statements)
    for index in rng.choice(len(rest), wanted, replace=False):
        values = draw_values(plan, plan.statements[rest[index]], part.pool, rng, used)
        statements.append(Filled(rest[index], values))
        used |= set(values.values())
    return shuffled_item(plan, filled, statements, rng)
