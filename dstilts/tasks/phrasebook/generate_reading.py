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
from dstilts.tasks.phrasebook.generator import Filled, Part, filled_frames
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

    All statements have the frame the question asks about and differ from what it asks in one entry
    or two; each gives one choice. So every choice stands in the context once, all are of one class,
    and statements and choices are in random order: only the entries that the question names tell.
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
    return tuple(
        _reading(plan, filled, num_choices, part, rng)
        for filled in filled_frames(plan, slots, part)
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
    plan: Plan, filled: Filled, num_choices: int, part: Part, rng: np.random.Generator
) -> Reading:
    question = plan.questions[filled.frame]
    statements = [Filled(question.about, filled.values)]
    used = set(filled.values.values())
    while len(statements) < num_choices:
        answers = [statement.values[question.answer] for statement in statements]
        miss = near_miss(plan, filled, part, rng, used, answers)
        assert miss, filled  # `_answerable` sees to it
        statements.append(miss)
        used |= set(miss.values.values())
    item = shuffled_item(plan, filled, statements, rng)
    order = tuple(int(index) for index in rng.permutation(num_choices))
    assert item.place is not None
    label = order.index(item.place)
    return Reading(item.question, item.answer, item.statements, order, label)
