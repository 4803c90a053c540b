"""The shared plan: sizes, and that training and evaluation can be told apart."""

from dstilts.tasks.phrasebook.notation import slot_class
from dstilts.tasks.phrasebook.plan import LABELS, load_plan


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
    assert {r.name for r in plan.relations} - {r.name for r in plan.usable_relations("train")} == {
        "arrival",
        "languages_negated",
    }
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
