"""Inference pairs: balance, and nothing in a hypothesis that tells its label."""

from collections import Counter, defaultdict

import pytest

from dstilts.tasks.phrasebook.format import available_languages, load_language
from dstilts.tasks.phrasebook.generate_nli import nli_examples
from dstilts.tasks.phrasebook.generator import Part
from dstilts.tasks.phrasebook.plan import LABELS

TEST = Part("xnli", "test", "test", 300)


@pytest.mark.parametrize("code", available_languages())
def test_every_hypothesis_stands_under_every_label(code: str) -> None:
    examples = nli_examples(TEST, load_language(code))
    assert len(examples) == 300
    labels: dict[str, Counter[str | None]] = defaultdict(Counter)
    for example in examples:
        labels[example.text_b][example.label] += 1
    for counts in labels.values():
        assert {counts[label] for label in LABELS} == {counts["neutral"]}
    pairs = {(example.text_a, example.text_b) for example in examples}
    assert len(pairs) == len(examples)
    assert all(example.text_a != example.text_b for example in examples)


def test_the_pairs_are_the_same_in_every_language() -> None:
    english = nli_examples(TEST, load_language("en"))
    german = nli_examples(TEST, load_language("de"))
    assert [e.id for e in english] == [e.id for e in german]
    assert [e.label for e in english] == [e.label for e in german]


def test_no_label_can_be_told_from_the_premise_frame_of_most_pairs() -> None:
    # Premises that assert, deny and concern someone else occur under several labels each.
    examples = nli_examples(Part("mnli", "train", "train", 2400), load_language("en"))
    labels = defaultdict(set)
    for example in examples:
        labels["not" in example.text_a.split()].add(example.label)
    assert labels == {True: set(LABELS), False: set(LABELS)}


def test_hypotheses_of_training_and_development_are_disjoint_across_tasks() -> None:
    english = load_language("en")
    train = nli_examples(Part("mnli", "train", "train", 2400), english)
    other = nli_examples(Part("snli", "train", "train", 2400), english)
    dev = nli_examples(Part("snli", "dev", "train", 300), english)
    assert len(train) == len(other) == 2400
    assert {e.text_b for e in dev}.isdisjoint(e.text_b for e in (*train, *other))
    assert [e.text_a for e in train] != [e.text_a for e in other]
