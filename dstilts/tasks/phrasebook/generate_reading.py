"""Multiple choice about short texts: one statement for each choice, of which one fits the question
(CommonsenseQA, SocialIQA, Cosmos QA)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dstilts.tasks.catalog import TASKS
from dstilts.tasks.examples import ChoiceExample
from dstilts.tasks.phrasebook.contexts import near_miss, question_slots, shuffled_item
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import Filled, Part, even_positions, filled_frames
from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import Plan, load_plan


@dataclass(frozen=True)
class Reading:
    """A question, a statement for each choice, and the order of the choices."""

    question: Filled
    answer: str  # the slot
    statements: tuple[Filled, ...]
    order: tuple[int, ...]  # of each choice, its statement
    label: int


def reading_examples(part: Part, language: Language) -> tuple[ChoiceExample, ...]:
    """The questions of a split, the same ones in the same order for every language.

    All statements have the frame the question asks about; each gives one choice. So every choice
    stands in the context once, and all are of one class. A question names one entry or two. Where
    it is two, the statements make a chain of which neighbours share one of them, and the right one
    is anywhere in it: only both entries together tell. Statements and choices are in random order.
    """
    return tuple(
        _example(f"{part.split}-{index:04d}-{item.question.frame}", item, part, language)
        for index, item in enumerate(reading_items(part))
    )


def _example(name: str, item: Reading, part: Part, language: Language) -> ChoiceExample:
    plan = load_plan()
    sentences = [statement.sentence(language, plan) for statement in item.statements]
    fillers = []
    for sentence in sentences:
        start, end = sentence.spans[item.answer]
        fillers.append(sentence.text[start:end])
    context = language.sentence_joiner.join(sentence.text for sentence in sentences)
    question = item.question.sentence(language, plan).text
    if part.task == "commonsenseqa":  # has no contexts: the text is a part of the question
        context, question = "", context + language.sentence_joiner + question
    choices = tuple(fillers[index] for index in item.order)
    return ChoiceExample(name, context, question, choices, item.label)


@lru_cache(maxsize=16)
def reading_items(part: Part) -> tuple[Reading, ...]:
    """The questions of a split, in no language yet."""
    plan = load_plan()
    rng = part.stream()
    num_choices = TASKS[part.task].num_choices
    assert num_choices
    slots = _answerable(plan, part, num_choices)
    found = filled_frames(plan, slots, part)
    labels = even_positions(len(found), num_choices, rng)
    return tuple(
        _reading(plan, filled, num_choices, label, part, rng)
        for filled, label in zip(found, labels, strict=True)
    )


def _answerable(plan: Plan, part: Part, num_choices: int) -> Mapping[str, tuple[str, ...]]:
    """The questions for which there are choices enough; of persons those of one gender count."""
    found = {}
    for name, slots in question_slots(plan).items():
        class_name = slot_class(plan.questions[name].answer)
        num_entries = len(plan.classes[class_name].pools[part.pool])
        if num_entries // (2 if class_name == "person" else 1) >= num_choices:
            found[name] = slots
    return found


def _reading(
    plan: Plan,
    filled: Filled,
    num_choices: int,
    label: int,
    part: Part,
    rng: np.random.Generator,
) -> Reading:
    question = plan.questions[filled.frame]
    first = Filled(question.about, filled.values)
    chain = [first]
    used = set(filled.values.values())
    slots = [question.slots[index] for index in rng.permutation(len(question.slots))]
    place = int(rng.integers(num_choices))  # in the chain
    # From the right one to the end of the chain, then from it to the beginning: neighbours differ
    # in the one and in the other slot in turn.
    for steps, turn in ((num_choices - 1 - place, 0), (place, 1)):
        base = first
        for step in range(steps):
            answers = [statement.values[question.answer] for statement in chain]
            changed = slots[(step + turn) % len(slots)]
            base = near_miss(plan, filled.frame, base.values, changed, part, rng, used, answers)
            chain.append(base)
            used |= set(base.values.values())
    item = shuffled_item(plan, filled, chain, rng)
    assert item.place is not None
    order = [int(index) for index in rng.permutation(num_choices) if index != item.place]
    order.insert(label, item.place)
    return Reading(item.question, item.answer, item.statements, tuple(order), label)
