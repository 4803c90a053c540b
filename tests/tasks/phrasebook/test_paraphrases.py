"""Paraphrases and complements of the plan: they agree with its relations."""

from collections.abc import Mapping

import pytest

from dstilts.tasks.phrasebook.generator import Filled, Part, draw_values
from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import (
    Clause,
    Complement,
    Paraphrase,
    Plan,
    Ref,
    all_names,
    load_plan,
)

PLAN = load_plan()


def filled(clauses: tuple[Clause, ...]) -> list[Filled]:
    """The clauses about the same persons, things and so on."""
    rng = Part("any", "test", "test", 1).stream()
    assigned = draw_values(PLAN, all_names(PLAN, clauses), "test", rng)
    return [Filled(clause.frame, clause.values(PLAN, assigned)) for clause in clauses]


def fits(plan: Plan, clause: Clause, known: Mapping[str, Ref], sentence: Filled) -> bool:
    """Whether the clause says the sentence: known names as known, other names something else."""
    if clause.frame != sentence.frame:
        return False
    for slot in plan.statements[clause.frame]:
        name, ref = clause.renamed.get(slot, slot), sentence.values[slot]
        if ref.class_name != slot_class(name):
            return False
        if known[name] != ref if name in known else ref in known.values():
            return False
    return True


def labels(premise: Filled, hypothesis: Filled) -> set[str]:
    """What the relations say of a pair; empty where none speaks of it."""
    found = set()
    for relation in PLAN.relations:
        if relation.hypothesis.frame != hypothesis.frame:
            continue
        slots = PLAN.statements[hypothesis.frame]
        renamed = relation.hypothesis.renamed
        known = {renamed.get(slot, slot): hypothesis.values[slot] for slot in slots}
        for label, clauses in relation.premises.items():
            if any(fits(PLAN, clause, known, premise) for clause in clauses):
                found.add(label)
    return found


def test_there_are_enough_and_each_has_its_own_name() -> None:
    names = [group.name for group in PLAN.paraphrases]
    assert len(set(names)) == len(names) >= 10
    assert all(group.same and group.other for group in PLAN.paraphrases)


@pytest.mark.parametrize("group", PLAN.paraphrases, ids=lambda group: group.name)
def test_what_says_the_same_is_entailed_and_what_does_not_is_not(group: Paraphrase) -> None:
    statement, *others = filled(group.clauses)
    for number, other in enumerate(others):
        assert other.key() != statement.key()
        said = labels(statement, other) | labels(other, statement)
        if number < len(group.same):
            assert said <= {"entailment"}, (group.name, other)
        else:
            assert said <= {"contradiction", "neutral"}, (group.name, other)


def test_the_relations_speak_of_many_paraphrases() -> None:
    # Or the test above would say nothing.
    spoken = {
        group.name
        for group in PLAN.paraphrases
        for one, other in [filled((group.statement, group.same[0]))]
        if labels(one, other) | labels(other, one) == {"entailment"}
    }
    assert spoken >= {"height", "age_order", "arrival", "gift", "closing"}


def test_a_paraphrase_of_another_frame_stands_the_other_way_round_too() -> None:
    # Only then is each frame as often the first text as the second.
    frames = {
        (group.statement.frame, other.frame) for group in PLAN.paraphrases for other in group.same
    }
    assert frames == {(other, one) for one, other in frames}


@pytest.mark.parametrize("group", PLAN.complements, ids=lambda group: group.name)
def test_a_premise_entails_its_statement_and_contradicts_the_other(group: Complement) -> None:
    spoken = 0
    for number, premises in enumerate(group.premises):
        for clause in premises:
            *statements, premise = filled((*group.statements, clause))
            for other, label in ((number, "entailment"), (1 - number, "contradiction")):
                said = labels(premise, statements[other])
                assert said <= {label}, (group.name, premise)
                spoken += len(said)
    assert spoken, "no relation speaks of it"
