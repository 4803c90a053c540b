"""The draws shared by all kinds of task."""

from dstilts.core.random_numbers import stream
from dstilts.tasks.phrasebook.generator import (
    Part,
    draw_owned,
    draw_values,
    even_positions,
    filled_frames,
    sentence_frames,
)
from dstilts.tasks.phrasebook.plan import Pool, Ref, load_plan


def test_persons_of_one_sentence_differ_in_gender_and_kinds_fit() -> None:
    plan = load_plan()
    female = plan.classes["person"].agreement
    rng = stream("test")
    for _ in range(200):
        names = ("kind", "thing", "thing2", "person", "person2", "person3", "city", "city2")
        values = draw_values(plan, names, "test", rng)
        assert len(set(values.values())) == len(names)
        genders = [values[name].entry in female for name in ("person", "person2", "person3")]
        assert genders[1] == genders[2] != genders[0]
        assert plan.kinds[values["thing"].entry] == values["kind"].entry


def test_used_entries_are_avoided_while_others_are_left() -> None:
    plan = load_plan()
    cities = [Ref("city", name) for name in plan.classes["city"].pools["test"]]
    rng = stream("test")
    for _ in range(20):
        assert draw_values(plan, ["city"], "test", rng, cities[1:]) == {"city": cities[0]}
    assert draw_values(plan, ["city"], "test", rng, cities)["city"] in cities


def test_fillings_are_distinct_and_spread_over_frames() -> None:
    plan = load_plan()
    part = Part("udpos", "test", "test", 200)
    items = filled_frames(plan, sentence_frames(plan), part)
    assert len({item.key() for item in items}) == len(items) == 200
    counts = [sum(item.frame == frame for item in items) for frame in sentence_frames(plan)]
    assert max(counts) <= 3
    assert min(counts) >= 2


def test_sentences_of_one_frame_differ_in_every_slot() -> None:
    plan = load_plan()
    items = filled_frames(plan, {"buy_full": plan.slots("buy_full")}, Part("x", "test", "test", 4))
    for slot in plan.slots("buy_full"):
        assert len({item.values[slot] for item in items}) == 4


def test_development_and_training_items_are_disjoint() -> None:
    plan = load_plan()
    pools: list[Pool] = ["train", "test"]
    for pool in pools:
        main = filled_frames(plan, {"visit": plan.slots("visit")}, Part("a", pool, pool, 300))
        dev = filled_frames(plan, {"visit": plan.slots("visit")}, Part("b", "dev", pool, 300))
        assert main
        assert dev
        assert not {item.key() for item in main} & {item.key() for item in dev}


def test_given_values_stay_and_others_fit_them() -> None:
    plan = load_plan()
    rng = stream("test")
    given = {"person2": Ref("person", "hugo"), "city": Ref("city", "rome")}
    for _ in range(50):
        values = draw_values(plan, plan.slots("visit_full"), "test", rng, (), given)
        assert {slot: values[slot] for slot in given} == given
        assert values["person"].entry in plan.classes["person"].agreement  # a woman


def test_values_of_a_split_are_found_where_there_are_some() -> None:
    plan = load_plan()
    rng = stream("test")
    dev = Part("x", "dev", "train", 1)
    for _ in range(20):
        values = draw_owned(plan, plan.slots("buy_full"), dev, rng)
        assert values
        assert dev.owns(values)
        assert not Part("x", "train", "train", 1).owns(values)
    assert draw_owned(plan, ["city"], dev, rng, accept=lambda values: False) is None


def test_what_is_said_of_the_entries_does_not_decide_whose_they_are() -> None:
    part = Part("x", "dev", "test", 1)
    emma, hugo = Ref("person", "emma"), Ref("person", "hugo")
    assert part.owns({"person": emma, "person2": hugo}) == part.owns(
        {"person": hugo, "person2": emma}
    )


def test_fillings_that_will_not_do_are_left_out() -> None:
    plan = load_plan()
    monday = Ref("day", "monday")
    items = filled_frames(
        plan,
        {"weather": plan.slots("weather")},
        Part("x", "test", "test", 6),
        lambda filled: filled.values["day"] == monday,
    )
    assert len(items) == 6
    assert {item.values["day"] for item in items} == {monday}


def test_positions_are_even() -> None:
    positions = even_positions(13, 4, stream("test"))
    assert sorted(positions) == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert positions != sorted(positions)
