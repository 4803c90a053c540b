"""Which sentence goes on: four sentences, of which the text before entails one (HellaSwag)."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from dstilts.tasks.examples import ChoiceExample
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import (
    Filled,
    Part,
    draw_owned,
    even_positions,
    gender,
)
from dstilts.tasks.phrasebook.plan import Clause, Plan, Relation, Values, load_plan

_NUM_CHOICES = 4
_FRUITLESS_TEXTS = 8  # in a row; fewer than elsewhere, since each is the best of many draws


@dataclass(frozen=True)
class Continuation:
    """Statements, and the sentences that may go on; `label` is the number of the right one."""

    relation: str
    statements: tuple[Filled, ...]
    choices: tuple[Filled, ...]
    label: int


def continuation_examples(part: Part, language: Language) -> tuple[ChoiceExample, ...]:
    """The texts of a split, the same ones in the same order for every language.

    The text says of three persons (places, ...) A, B and C that p, r and q holds of them, one
    statement each, in random order. The choices say of A that p, of A that q, of B that p and of B
    that q: the first is entailed. Each entry stands once in the text and as often in the choices
    as the one it could be taken for, so nothing but their connection tells.
    """
    plan = load_plan()
    return tuple(
        ChoiceExample(
            id=f"{part.split}-{index:04d}-{item.relation}",
            context=language.sentence_joiner.join(
                statement.sentence(language, plan).text for statement in item.statements
            ),
            question="",
            choices=tuple(choice.sentence(language, plan).text for choice in item.choices),
            label=item.label,
        )
        for index, item in enumerate(continuation_items(part))
    )


@lru_cache(maxsize=16)
def continuation_items(part: Part) -> tuple[Continuation, ...]:
    """The texts of a split with their choices, in no language yet."""
    plan = load_plan()
    rng = part.stream()
    sources = [
        (relation, clause)
        for relation in plan.usable_groups(plan.relations, part.pool)
        for clause in relation.premises["entailment"]
        if _carries(plan, relation.hypothesis, clause)
    ]
    items: dict[tuple[object, ...], Continuation] = {}
    while len(items) < part.size and sources:
        for source in list(sources):
            drawn = (_draw(plan, *source, part, rng) for _ in range(_FRUITLESS_TEXTS))
            item = next((one for one in drawn if one and _key(one) not in items), None)
            if item is None:
                sources.remove(source)
                continue
            items[_key(item)] = item
    found = list(items.values())[: part.size]
    labels = even_positions(len(found), _NUM_CHOICES, rng)
    order = rng.permutation(len(found))
    return tuple(_turned(found[index], label) for index, label in zip(order, labels, strict=True))


def _turned(item: Continuation, label: int) -> Continuation:
    """The choices turned around until the right one is at `label`."""
    shift = (item.label - label) % _NUM_CHOICES
    return replace(item, choices=item.choices[shift:] + item.choices[:shift], label=label)


def _carries(plan: Plan, hypothesis: Clause, premise: Clause) -> bool:
    """Whether the premise has every entry of the hypothesis, so that others would not follow."""
    names = set(hypothesis.names(plan))
    return len(names) > 1 and "kind" not in names and names <= set(premise.names(plan))


def _key(item: Continuation) -> tuple[object, ...]:
    return item.choices[item.label].key()


def _draw(
    plan: Plan, relation: Relation, premise: Clause, part: Part, rng: np.random.Generator
) -> Continuation | None:
    """A text with its choices; None if the split has none of them, or too few entries."""
    hypothesis = relation.hypothesis
    names = hypothesis.names(plan)
    one, other = (names[index] for index in rng.choice(len(names), 2, replace=False))

    def is_owned(values: Values) -> bool:
        return part.owns(hypothesis.values(plan, values))

    first = draw_owned(plan, premise.names(plan), part, rng, accept=is_owned)
    assigned = first and _with_others(plan, premise, first, (one, other), names, part, rng)
    if not assigned:
        return None
    a, b, c = assigned
    combinations: list[Values] = [
        {**a, one: x[one], other: y[other]} for x in (a, b) for y in (a, c)
    ]
    choices = [Filled(hypothesis.frame, hypothesis.values(plan, v)) for v in combinations]
    order = [int(index) for index in rng.permutation(_NUM_CHOICES)]
    statements = [Filled(premise.frame, premise.values(plan, values)) for values in assigned]
    return Continuation(
        relation.name,
        tuple(statements[index] for index in rng.permutation(3)),
        tuple(choices[index] for index in order),
        order.index(0),
    )


def _with_others(
    plan: Plan,
    premise: Clause,
    first: Values,
    varied: tuple[str, str],
    names: tuple[str, ...],
    part: Part,
    rng: np.random.Generator,
) -> list[Values] | None:
    """Two more sets of values that differ in the two varied names; None if entries lack."""
    kept = {name: first[name] for name in names if name not in varied}
    genders = [gender(plan, first[name]) for name in varied]
    used = set(first.values())

    def is_other(values: Values) -> bool:
        # Where both are persons, all that could dance with A have the same gender.
        new = [values[name] for name in varied]
        alike = None in genders or [gender(plan, ref) for ref in new] == genders
        return alike and used.isdisjoint(new)

    assigned = [first]
    while len(assigned) < 3:
        following = draw_owned(plan, premise.names(plan), part, rng, used, kept, is_other)
        if following is None:
            return None
        assigned.append(following)
        used.update(following.values())
    return assigned
