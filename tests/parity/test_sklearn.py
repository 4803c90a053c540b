"""Accuracy and class F1 against scikit-learn on random labels."""

import random

import pytest
from sklearn.metrics import accuracy_score, f1_score

from dstilts.tasks.metrics.classification import accuracy, class_f1

NUM_CASES = 10_000
# Labels as tasks have them, and such as are nearly equal; "1" is the positive class.
LABELS = ("0 1", "1", "0", "0 1 2", "1 1\u200b 01 \u0661 one", "entailment neutral 1 contradiction")


def test_ten_thousand_cases() -> None:
    draw = random.Random(1)
    found = set()
    for _ in range(NUM_CASES):
        known = draw.choice(LABELS).split(" ")
        gold = draw.choices(known, k=draw.choice([1, 2, 5, 30]))
        kept = draw.random()
        predicted = [label if draw.random() < kept else draw.choice(known) for label in gold]
        expected = 100 * accuracy_score(gold, predicted)
        assert accuracy(gold, predicted) == pytest.approx(expected, abs=1e-9)
        expected = 100 * f1_score(gold, predicted, labels=["1"], average="micro", zero_division=0)
        assert class_f1(gold, predicted, "1") == pytest.approx(expected, abs=1e-9)
        found.add(expected)
    assert len(found) > 50
