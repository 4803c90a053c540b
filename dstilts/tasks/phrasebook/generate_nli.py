"""Inference pairs: each hypothesis stands once under each label, with three premises."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dstilts.tasks.examples import PairExample
from dstilts.tasks.phrasebook.format import Language
from dstilts.tasks.phrasebook.generator import FRUITLESS_DRAWS, Filled, Part, draw_values
from dstilts.tasks.phrasebook.plan import LABELS, Plan, Relation, all_names, load_plan


@dataclass(frozen=True)
class Triple:
    """A hypothesis and one premise for each label."""

    relation: str
    hypothesis: Filled
    premises: Mapping[str, Filled]

    def pairs(self) -> set[tuple[object, ...]]:
        return {(premise.key(), self.hypothesis.key()) for premise in self.premises.values()}


def nli_examples(part: Part, language: Language) -> tuple[PairExample, ...]:
    """The pairs of a split, the same pairs in the same order for every language.

    Their domain is the relation of the two statements: what is said of what.
    """
    plan = load_plan()
    return tuple(
        PairExample(
            id=f"{part.split}-{index:04d}-{triple.relation}-{label}",
            text_a=triple.premises[label].sentence(language, plan).text,
            text_b=triple.hypothesis.sentence(language, plan).text,
            label=label,
            domain=triple.relation,
        )
        for index, triple, label in nli_pairs(part)
    )


@lru_cache(maxsize=16)
def nli_pairs(part: Part) -> tuple[tuple[int, Triple, str], ...]:
    """The pairs of a split, in no language yet: number and content of the triple, label."""
    rng = part.stream()
    triples = _triples(load_plan(), part, rng)
    pairs = [(i, triple, label) for i, triple in enumerate(triples) for label in LABELS]
    return tuple(pairs[index] for index in rng.permutation(len(pairs)))


def _triples(plan: Plan, part: Part, rng: np.random.Generator) -> list[Triple]:
    """Triples with no pair in common, the same number of each relation while there are enough."""
    wanted = part.size // len(LABELS)
    relations = plan.usable_groups(plan.relations, part.pool)
    seen: set[tuple[object, ...]] = set()
    triples: list[Triple] = []
    while len(triples) < wanted and relations:
        for relation in list(relations):
            triple = _new_triple(plan, relation, part, rng, seen)
            if triple is None:
                relations.remove(relation)
                continue
            seen |= triple.pairs()
            triples.append(triple)
    return triples[:wanted]


def _new_triple(
    plan: Plan,
    relation: Relation,
    part: Part,
    rng: np.random.Generator,
    seen: set[tuple[object, ...]],
) -> Triple | None:
    for _ in range(FRUITLESS_DRAWS):
        chosen = {
            label: clauses[rng.integers(len(clauses))]
            for label, clauses in relation.premises.items()
        }
        clauses = (relation.hypothesis, *chosen.values())
        assigned = draw_values(plan, all_names(plan, clauses), part.pool, rng)
        hypothesis, *premises = (
            Filled(clause.frame, clause.values(plan, assigned)) for clause in clauses
        )
        triple = Triple(relation.name, hypothesis, dict(zip(chosen, premises, strict=True)))
        if part.owns(hypothesis.values) and not triple.pairs() & seen:
            return triple
    return None
