"""Contexts of questions: the statement that answers, and others that do not."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import numpy as np

from dstilts.tasks.phrasebook.generator import Filled, Part, draw_owned, gender
from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import Plan, Ref, Values


@dataclass(frozen=True)
class Item:
    """A question, the statements of its context, and which of them has the answer."""

    question: Filled
    answer: str  # the slot
    statements: tuple[Filled, ...]
    place: int | None  # None: the context does not answer the question


def shuffled_item(
    plan: Plan, filled: Filled, statements: list[Filled], rng: np.random.Generator
) -> Item:
    """The item with its statements in random order; the one with the values of `filled` answers."""
    question = plan.questions[filled.frame]
    order = [statements[index] for index in rng.permutation(len(statements))]
    answering = Filled(question.about, filled.values)
    return Item(
        # Without the values it does not name: "who" must not agree with the answer's gender.
        question=Filled(filled.frame, {slot: filled.values[slot] for slot in question.slots}),
        answer=question.answer,
        statements=tuple(order),
        place=order.index(answering) if answering in order else None,
    )


def question_slots(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The questions, with all slots of the statement each is about."""
    return {name: plan.statements[question.about] for name, question in plan.questions.items()}


def topics(plan: Plan, part: Part) -> list[str]:
    """The statements that questions ask about, as far as the split may use them."""
    found = {question.about for question in plan.questions.values()}
    return sorted(topic for topic in found if plan.usable(topic, part.pool))


def usable_question(plan: Plan, part: Part) -> Callable[[Filled], bool]:
    """Whether a question with the values of its statement will do for a split.

    Nothing in its own statement may contain its answer, in any language. A training question is not
    one that a development split has as a sentence of its own.
    """

    def accept(filled: Filled) -> bool:
        question = plan.questions[filled.frame]
        entries, frames = confusing(plan, filled)
        if question.about in frames or not entries.isdisjoint(filled.values.values()):
            return False
        return part.split != "train" or part.owns({s: filled.values[s] for s in question.slots})

    return accept


def confusing(plan: Plan, filled: Filled) -> tuple[set[Ref], set[str]]:
    """The entries and statements that contain the answer's words in some language."""
    banned = plan.confusable.get(filled.values[plan.questions[filled.frame].answer], frozenset())
    return (
        {name for name in banned if isinstance(name, Ref)},
        {name for name in banned if isinstance(name, str)},
    )


def near_miss(
    plan: Plan,
    name: str,
    base: Values,
    changed: str,
    part: Part,
    rng: np.random.Generator,
    used: Collection[Ref],
    answers: Iterable[Ref],
) -> Filled:
    """A statement that agrees with another one in all that a question names but one slot.

    Where the question names a person, answers that are persons have the same gender.

    Args:
        plan: the plan.
        name: the question.
        base: the values of the other statement.
        changed: the slot.
        part: the split.
        rng: decides.
        used: entries to avoid while others are left; in the changed slot in any case.
        answers: those it must not give.
    """
    question = plan.questions[name]
    slots = plan.statements[question.about]
    given = {slot: base[slot] for slot in question.slots if slot != changed}
    names_person = "person" in map(slot_class, question.slots)
    known = set(answers)

    def accept(values: Values) -> bool:
        answer = values[question.answer]
        fits = not names_person or gender(plan, answer) == gender(plan, base[question.answer])
        return fits and values[changed] not in used and answer not in known

    found = draw_owned(plan, slots, part, rng, used, given, accept)
    assert found, f"too few entries for near misses of {name}"
    return Filled(question.about, found)


def unrelated(
    plan: Plan,
    frame: str,
    part: Part,
    rng: np.random.Generator,
    used: Collection[Ref],
    given: Values | None = None,
) -> Filled:
    """A statement with none of the entries of others (while others are left) but those given."""
    values = draw_owned(plan, plan.statements[frame], part, rng, used, given)
    assert values is not None
    return Filled(frame, values)
