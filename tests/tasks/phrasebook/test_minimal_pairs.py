"""Minimal pairs: the labels of each group follow from one another, in every language."""

from collections import Counter
from typing import Literal, cast

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_nli import nli_pairs
from dstilts.tasks.phrasebook.generator import Filled, Part
from dstilts.tasks.phrasebook.minimal_pairs import Kind, MinimalGroup, minimal_pairs
from dstilts.tasks.phrasebook.plan import load_plan

KINDS: tuple[Kind, ...] = (
    "negation",
    "contradiction_symmetry",
    "paraphrase_symmetry",
    "entailment_asymmetry",
)
# Premise and hypothesis where the hypothesis says less, so that the premise does not follow from
# it; read off the meaning of the frames, not off the plan.
SAYS_LESS = {
    ("live_job", "live"),
    ("live_job", "not_live"),
    ("live", "not_live"),
    ("buy_full", "buy"),
    ("buy", "buy"),  # roses, flowers
    ("not_buy", "not_buy"),  # no flowers, no roses
    ("visit_full", "visit"),
    ("visit_nobody", "not_visit"),
    ("open_daily", "open"),
    ("travel_both", "travel"),
    ("travel_full", "travel"),
    ("travel_stayed", "stay"),
    ("all_drink", "some_drink"),
    ("none_drink", "some_not_drink"),
    ("age_job", "age"),
    ("age_job", "work"),
    ("live_job", "work"),
    ("dance_day", "dance"),
    ("event_time", "event"),
    ("speak_two", "speak"),
    ("speak_only", "not_speak"),
}


def texts(group: MinimalGroup) -> list[tuple[str, str]]:
    return [(pair.text_a, pair.text_b) for pair in group.pairs]


def swapped(group: MinimalGroup) -> bool:
    one, other = texts(group)
    return one == other[::-1] and one[0] != one[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", available_languages())
def test_groups_are_well_formed_in_every_language(kind: Kind, code: str) -> None:
    groups = minimal_pairs(kind, code)
    english = minimal_pairs(kind, "en")
    assert len(groups) >= 50
    assert len({group.name for group in groups}) == len(groups)
    ids = [pair.id for group in groups for pair in group.pairs]
    assert len(set(ids)) == len(ids) == 2 * len(groups)
    assert [(g.name, *(p.label for p in g.pairs)) for g in groups] == [
        (g.name, *(p.label for p in g.pairs)) for g in english
    ]
    for group in groups:
        assert group.kind == kind
        assert {pair.label for pair in group.pairs} <= set(TASKS[group.task].labels)
        assert len(set(texts(group))) == 2, group
        if kind != "negation":
            assert swapped(group), group


@pytest.mark.parametrize("code", ["en", "de", "zh", "sw", "tr"])
def test_a_negation_turns_the_label_and_both_labels_come_first(code: str) -> None:
    first: Counter[str | None] = Counter()
    for group in minimal_pairs("negation", code):
        (premise, affirmed), (same, denied) = texts(group)
        assert premise == same
        assert affirmed != denied
        labels = tuple(pair.label for pair in group.pairs)
        assert set(labels) == {"entailment", "contradiction"}
        first[labels[0]] += 1
    assert first["entailment"] == first["contradiction"]


def test_negations_in_english() -> None:
    seen: Counter[str] = Counter()
    for group in minimal_pairs("negation", "en"):
        (premise, affirmed), (_, denied) = texts(group)
        name = group.name.split("-")[2]
        if name == "languages":
            assert "not" in denied.split()
            assert "not" not in affirmed.split()
            tongue = affirmed[:-1].split()[-1]
            assert (tongue in premise) is (group.pairs[0].label == "entailment"), group
            seen[name] += 1
        if name == "dance":
            denies = "never" in premise.split()
            assert denies is (group.pairs[0].label == "contradiction"), group
            seen[name] += 1
    assert set(seen) == {"languages", "dance"}


def test_labels_of_the_symmetric_kinds() -> None:
    for group in minimal_pairs("contradiction_symmetry", "en"):
        assert [pair.label for pair in group.pairs] == ["contradiction"] * 2
    counts: Counter[str | None] = Counter()
    for group in minimal_pairs("paraphrase_symmetry", "en"):
        assert group.pairs[0].label == group.pairs[1].label
        counts[group.pairs[0].label] += 1
    assert counts["0"] == counts["1"]


def test_what_says_the_same_has_no_asymmetry() -> None:
    part = Part("minimal_entailment_asymmetry", "test", "test", 300)
    english, plan = load_language("en"), load_plan()
    meaning: dict[str, Filled] = {}
    for _, triple, label in nli_pairs(part):
        for filled in (triple.premises[label], triple.hypothesis):
            meaning[filled.sentence(english, plan).text] = filled
    groups = minimal_pairs("entailment_asymmetry", "en")
    found = set()
    for group in groups:
        assert [pair.label for pair in group.pairs] == ["entailment", "neutral"]
        premise, hypothesis = (meaning[text] for text in texts(group)[0])
        assert (premise.frame, hypothesis.frame) in SAYS_LESS, group
        found.add((premise.frame, hypothesis.frame))
    assert len(found) >= 15
    names = {group.name.split("-")[2] for group in groups}
    assert not names & {"height", "age_order", "arrival", "closing", "gift"}


@pytest.mark.parametrize("kind", KINDS)
def test_splits_share_no_pair(kind: Kind) -> None:
    dev, test = (
        {pair for group in minimal_pairs(kind, "en", split) for pair in texts(group)}
        for split in ("dev", "test")
    )
    assert min(len(dev), len(test)) > 0
    assert dev.isdisjoint(test)


def test_a_wrong_name_is_said_in_one_line() -> None:
    with pytest.raises(UserError, match="unknown kind of minimal pairs 'negatio'"):
        minimal_pairs(cast(Kind, "negatio"), "en")
    with pytest.raises(UserError, match="unknown split of minimal pairs 'train'"):
        minimal_pairs("negation", "en", cast(Literal["test"], "train"))
    with pytest.raises(UserError):
        minimal_pairs("negation", "xx")
