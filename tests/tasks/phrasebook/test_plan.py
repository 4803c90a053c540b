"""The shared plan: sizes, and that training and evaluation can be told apart."""

from collections import Counter

from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import LABELS, Pool, load_plan


def test_the_plan_is_as_large_as_it_should_be() -> None:
    plan = load_plan()
    entries = [name for c in plan.classes.values() if not c.digits for name in c.entries]
    assert len(entries) >= 150
    assert len(plan.statements) >= 24
    assert len(plan.relations) >= 20


def test_every_frame_has_a_slot_that_tells_training_from_evaluation() -> None:
    plan = load_plan()
    for frame in (*plan.statements, *plan.questions):
        assert frame in plan.held_out or any(
            not set(plan.classes[slot_class(slot)].pools["train"])
            & set(plan.classes[slot_class(slot)].pools["test"])
            for slot in plan.slots(frame)
        ), frame


def test_held_out_frames_stay_out_of_training() -> None:
    plan = load_plan()
    usable = {relation.name for relation in plan.usable_groups(plan.relations, "train")}
    assert {relation.name for relation in plan.relations} - usable == {
        "arrival",
        "languages_negated",
    }
    assert len(plan.usable_groups(plan.complements, "train")) == len(plan.complements) - 2
    assert len(plan.usable_groups(plan.paraphrases, "train")) == len(plan.paraphrases) - 2
    assert plan.usable_groups(plan.paraphrases, "test") == list(plan.paraphrases)
    assert not plan.usable("teach_who", "train")
    assert not plan.usable("hobby_who", "train")
    assert plan.usable("hobby_what", "train")
    assert plan.usable("teach_who", "test")


def test_a_relation_has_every_label_and_no_premise_twice() -> None:
    for relation in load_plan().relations:
        premises = [clause for some in relation.premises.values() for clause in some]
        assert set(relation.premises) == set(LABELS)
        keys = [(clause.frame, *sorted(clause.renamed.items())) for clause in premises]
        assert len(set(keys)) == len(keys), relation.name
        assert relation.hypothesis not in premises


def test_every_thing_is_of_a_kind() -> None:
    plan = load_plan()
    assert set(plan.kinds) == set(plan.classes["thing"].entries)
    assert set(plan.kinds.values()) == set(plan.classes["kind"].entries)


def test_complements_and_relations_agree() -> None:
    plan = load_plan()
    labels = {
        repr((relation.hypothesis, premise)): label
        for relation in plan.relations
        for label, premises in relation.premises.items()
        for premise in premises
    }
    compared = 0
    for complement in plan.complements:
        for right, premises in enumerate(complement.premises):
            for premise in premises:
                for index, statement in enumerate(complement.statements):
                    wanted = "entailment" if index == right else "contradiction"
                    pair = repr((statement, premise))
                    assert labels.get(pair, wanted) == wanted, complement.name
                    compared += pair in labels
    assert compared > 15


def test_each_frame_says_the_same_as_often_as_not() -> None:
    plan = load_plan()
    pools: tuple[Pool, ...] = ("train", "test")
    for pool in pools:
        same: Counter[str] = Counter()
        other: Counter[str] = Counter()
        for group in plan.usable_groups(plan.paraphrases, pool):
            for counts, clauses in ((same, group.same), (other, group.other)):
                for clause in clauses:
                    counts[clause.frame] += 12 // len(clauses)
        assert same == other


def test_no_frame_and_no_entry_is_confusable_with_itself() -> None:
    for answer, others in load_plan().confusable.items():
        assert answer not in others
