"""What follows from a premise: two sentences, of which it entails one and contradicts the other
(COPA, XCOPA)."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dstilts.tasks.examples import ChoiceExample
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import (
    FRUITLESS_DRAWS,
    Filled,
    Part,
    draw_values,
    even_positions,
)
from dstilts.tasks.phrasebook.plan import Complement, Plan, all_names, load_plan

# In English in every language, as XTREME-R asks XCOPA.
QUESTION = "What was the effect?"


@dataclass(frozen=True)
class Alternatives:
    """Two statements, and for each a premise that entails it and contradicts the other."""

    name: str
    statements: tuple[Filled, Filled]
    premises: tuple[Filled, Filled]


def copa_examples(part: Part, language: Language) -> tuple[ChoiceExample, ...]:
    """The premises of a split, the same ones in the same order for every language.

    Each pair of choices occurs twice, in an order drawn anew, with a premise for each of the two:
    no choice is likelier than the other.
    """
    plan = load_plan()
    examples = []
    for index, item, right, label in _items(part):
        texts = [statement.sentence(language, plan).text for statement in item.statements]
        examples.append(
            ChoiceExample(
                id=f"{part.split}-{index:04d}-{item.name}-{right}",
                context=item.premises[right].sentence(language, plan).text,
                question=QUESTION,
                choices=(texts[0], texts[1]) if label == right else (texts[1], texts[0]),
                label=label,
            )
        )
    return tuple(examples)


@lru_cache(maxsize=8)
def _items(part: Part) -> tuple[tuple[int, Alternatives, int, int], ...]:
    """Number, alternatives, which of them the premise entails, and the label."""
    rng = part.stream()
    plan = load_plan()
    groups = plan.usable_groups(plan.complements, part.pool)
    found = alternatives(plan, groups, part, rng, part.size // 2)
    items = [(index, item, right) for index, item in enumerate(found) for right in (0, 1)]
    labels = even_positions(len(items), 2, rng)
    order = rng.permutation(len(items))
    return tuple((*items[index], label) for index, label in zip(order, labels, strict=True))


def alternatives(
    plan: Plan,
    groups: list[Complement],
    part: Part,
    rng: np.random.Generator,
    wanted: int,
) -> list[Alternatives]:
    """Distinct alternatives, the same number of each complement while there are enough."""
    found: dict[tuple[object, ...], Alternatives] = {}
    open_groups = list(groups)
    while len(found) < wanted and open_groups:
        for group in list(open_groups):
            for _ in range(FRUITLESS_DRAWS):
                item = _draw(plan, group, part, rng)
                key = (*item.statements[0].key(), *item.statements[1].key())
                if key not in found and part.owns(item.statements[0].values):
                    found[key] = item
                    break
            else:
                open_groups.remove(group)
    return list(found.values())[:wanted]


def _draw(plan: Plan, group: Complement, part: Part, rng: np.random.Generator) -> Alternatives:
    premises = [some[rng.integers(len(some))] for some in group.premises]
    clauses = (*group.statements, *premises)
    assigned = draw_values(plan, all_names(plan, clauses), part.pool, rng)
    one, other, for_one, for_other = (
        Filled(clause.frame, clause.values(plan, assigned)) for clause in clauses
    )
    return Alternatives(group.name, (one, other), (for_one, for_other))
