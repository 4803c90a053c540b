"""Contexts of questions: near misses, and answers that stand in one place."""

import pytest

from dstilts.core.random_numbers import stream
from dstilts.tasks.phrasebook.contexts import confusing, near_miss, shuffled_item, usable_question
from dstilts.tasks.phrasebook.generator import Filled, Part, Split, gender
from dstilts.tasks.phrasebook.plan import Ref, Values, load_plan

PLAN = load_plan()
PART = Part("x", "test", "test", 1)
_SPLITS: tuple[Split, Split] = ("train", "dev")
VISIT: Values = {
    "person": Ref("person", "emma"),
    "person2": Ref("person", "hugo"),
    "city": Ref("city", "rome"),
    "day": Ref("day", "monday"),
}


@pytest.mark.parametrize("changed", ["person2", "city"])
def test_a_near_miss_differs_in_one_slot_that_is_named(changed: str) -> None:
    rng = stream("test", changed)
    for _ in range(50):
        used = set(VISIT.values())
        miss = near_miss(
            PLAN, "visit_who", VISIT, changed, PART, rng, used, [VISIT["person"]]
        ).values
        kept = {"person2", "city"} - {changed}
        assert all(miss[slot] == VISIT[slot] for slot in kept)
        assert miss[changed] != VISIT[changed]
        assert miss["person"] != VISIT["person"]
        assert gender(PLAN, miss["person"]) == gender(PLAN, VISIT["person"])
        assert gender(PLAN, miss["person2"]) != gender(PLAN, miss["person"])


def test_a_question_without_near_misses_is_a_defect() -> None:
    everyone = [Ref("person", name) for name in PLAN.classes["person"].entries]
    with pytest.raises(AssertionError, match="too few entries"):
        near_miss(PLAN, "visit_who", VISIT, "city", PART, stream("test"), (), everyone)
    everywhere = PLAN.classes["city"].refs["test"]
    with pytest.raises(AssertionError, match="too few entries"):
        near_miss(PLAN, "visit_who", VISIT, "city", PART, stream("test"), everywhere, ())


def test_statements_that_contain_their_own_answer_are_refused() -> None:
    accept = usable_question(PLAN, PART)
    meal = {"person": Ref("person", "emma"), "food": Ref("food", "rice")}
    coffee = Filled("breakfast_drink", {**meal, "drink": Ref("drink", "coffee")})
    tea = Filled("breakfast_drink", {**meal, "drink": Ref("drink", "tea")})
    assert (accept(coffee), accept(tea)) == (False, True)
    assert confusing(PLAN, tea) == (set(), {"teach"})


def test_training_questions_are_not_those_of_development() -> None:
    train, dev = (Part("x", split, "train", 1) for split in _SPLITS)
    accept = usable_question(PLAN, train)
    for name in PLAN.classes["person"].pools["train"]:
        values = {"person": Ref("person", name), "city": Ref("city", "oslo")}
        filled = Filled("live_where", {**values, "job": Ref("job", "cook")})
        assert accept(filled) != dev.owns({"person": values["person"]})


def test_the_item_names_only_what_the_question_does() -> None:
    filled = Filled("visit_who", VISIT)
    others = [Filled("age", {"person": Ref("person", "felix"), "number": Ref("number", "25")})]
    statements = [Filled("visit_full", VISIT), *others]
    item = shuffled_item(PLAN, filled, statements, stream("test"))
    assert set(item.question.values) == {"person2", "city"}
    assert item.place is not None
    assert item.statements[item.place].values == VISIT
    assert shuffled_item(PLAN, filled, others, stream("test")).place is None
