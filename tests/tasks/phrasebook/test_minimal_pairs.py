"""Minimal pairs: labels that follow from one another, the same content in every language."""

from typing import get_args

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import TASKS
from dstilts.tasks.phrasebook.format import available_languages
from dstilts.tasks.phrasebook.minimal_pairs import Kind, minimal_pairs
from dstilts.tasks.phrasebook.source import PhrasebookSource

KINDS: tuple[Kind, ...] = get_args(Kind)


@pytest.mark.parametrize("code", available_languages())
@pytest.mark.parametrize("kind", KINDS)
def test_groups_are_alike_in_every_language(kind: Kind, code: str) -> None:
    groups, english = minimal_pairs(kind, code), minimal_pairs(kind, "en")
    assert [g.name for g in groups] == [g.name for g in english]
    assert len({g.name for g in groups}) == len(groups) > 60
    for group, other in zip(groups, english, strict=True):
        assert len(group.pairs) == 2
        assert [p.label for p in group.pairs] == [p.label for p in other.pairs]
        assert {p.label for p in group.pairs} <= set(TASKS[group.task].labels)
        assert all(p.text_a != p.text_b for p in group.pairs)
        assert len({(p.text_a, p.text_b) for p in group.pairs}) == 2


def test_negation_turns_the_label() -> None:
    labels = []
    for group in minimal_pairs("negation", "en"):
        affirmed, denied = group.pairs
        assert affirmed.text_a == denied.text_a
        negations = {"not", "never"}
        assert not negations & set(affirmed.text_b.split())
        assert negations & set(denied.text_b.split())
        assert {affirmed.label, denied.label} == {"entailment", "contradiction"}
        labels.append(affirmed.label)
    assert labels.count("entailment") == labels.count("contradiction")


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("contradiction_symmetry", {("contradiction", "contradiction")}),
        ("paraphrase_symmetry", {("0", "0"), ("1", "1")}),
        ("entailment_asymmetry", {("entailment", "neutral")}),
    ],
)
def test_the_second_pair_is_the_first_one_swapped(kind: Kind, labels: set[tuple[str, str]]) -> None:
    groups = minimal_pairs(kind, "de")
    assert {tuple(pair.label for pair in group.pairs) for group in groups} == labels
    for first, second in (group.pairs for group in groups):
        assert (first.text_a, first.text_b) == (second.text_b, second.text_a)


def test_what_entails_in_both_directions_is_left_out() -> None:
    for group in minimal_pairs("entailment_asymmetry", "en"):
        texts = {group.pairs[0].text_a, group.pairs[0].text_b}
        assert not any("than" in text or "got" in text for text in texts)


def test_dev_and_test_differ_and_neither_is_trained_on() -> None:
    source = PhrasebookSource()
    trained = {
        text
        for task in ("mnli", "qqp", "pawsx")
        for e in source.load(task, "train", "en").examples
        for text in (e.text_a, e.text_b)  # type: ignore[union-attr]
    }
    for kind in KINDS:
        splits = [
            {(p.text_a, p.text_b) for g in minimal_pairs(kind, "en", split) for p in g.pairs}
            for split in ("dev", "test")
        ]
        assert not splits[0] & splits[1]
        assert not trained & {text for pairs in splits for pair in pairs for text in pair}


def test_what_is_not_there_is_said_in_one_line() -> None:
    with pytest.raises(UserError, match="unknown kind of minimal pairs 'negatio'; did you mean"):
        minimal_pairs("negatio", "en")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="unknown split of minimal pairs 'train'"):
        minimal_pairs("negation", "en", "train")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="unknown phrasebook language"):
        minimal_pairs("negation", "xx")
