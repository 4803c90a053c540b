"""Paraphrase: each statement stands once beside one that says the same and once beside one that
does not (QQP, PAWS-X)."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dstilts.tasks.examples import PairExample
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import Filled, Part, draw_values
from dstilts.tasks.phrasebook.plan import Paraphrase, Plan, all_names, load_plan

# More than elsewhere, since all sentences of a triple must be the split's own.
_FRUITLESS_DRAWS = 400

LABELS = ("0", "1")  # another meaning, the same


@dataclass(frozen=True)
class Triple:
    """A statement, and by label the text beside it."""

    name: str
    statement: Filled
    others: tuple[Filled, Filled]

    def pairs(self) -> set[frozenset[tuple[object, ...]]]:
        """Both pairs, in no order."""
        return {frozenset((self.statement.key(), other.key())) for other in self.others}


def paraphrase_examples(part: Part, language: Language) -> tuple[PairExample, ...]:
    """The pairs of a split, the same pairs in the same order for every language.

    Neither text alone tells the label: every first text has both, and every frame is as often the
    second text of one label as of the other. Nor do the words that both have: "A is taller than B"
    and "B is taller than A" differ, "A danced with B" and "B danced with A" do not.
    """
    plan = load_plan()
    return tuple(
        PairExample(
            id=f"{part.split}-{index:04d}-{triple.name}-{label}",
            text_a=triple.statement.sentence(language, plan).text,
            text_b=triple.others[label].sentence(language, plan).text,
            label=LABELS[label],
        )
        for index, triple, label in paraphrase_pairs(part)
    )


@lru_cache(maxsize=16)
def paraphrase_pairs(part: Part) -> tuple[tuple[int, Triple, int], ...]:
    """The pairs of a split, in no language yet: number and content of the triple, label."""
    rng = part.stream()
    triples = _triples(load_plan(), part, rng)
    pairs = [(i, triple, label) for i, triple in enumerate(triples) for label in (0, 1)]
    return tuple(pairs[index] for index in rng.permutation(len(pairs)))


def _triples(plan: Plan, part: Part, rng: np.random.Generator) -> list[Triple]:
    """Triples with no pair in common, the same number of each paraphrase while there are enough."""
    groups = plan.usable_groups(plan.paraphrases, part.pool)
    wanted = part.size // len(LABELS)
    seen: set[frozenset[tuple[object, ...]]] = set()
    triples: list[Triple] = []
    while len(triples) < wanted and groups:
        for group in list(groups):
            for _ in range(_FRUITLESS_DRAWS):
                triple = _draw(plan, group, part, rng)
                if triple and not triple.pairs() & seen:
                    seen |= triple.pairs()
                    triples.append(triple)
                    break
            else:
                groups.remove(group)
    return triples[:wanted]


def _draw(plan: Plan, group: Paraphrase, part: Part, rng: np.random.Generator) -> Triple | None:
    """A triple; None if one of its sentences belongs to another split."""
    clauses = [
        group.statement,
        *(some[rng.integers(len(some))] for some in (group.other, group.same)),
    ]
    assigned = draw_values(plan, all_names(plan, clauses), part.pool, rng)
    made = [Filled(clause.frame, clause.values(plan, assigned)) for clause in clauses]
    if not all(part.owns(filled.values) for filled in made):
        return None
    return Triple(group.name, made[0], (made[1], made[2]))
