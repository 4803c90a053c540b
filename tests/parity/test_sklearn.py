"""Accuracy and class F1 against scikit-learn on random labels."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from dstilts.tasks.metrics.classification import accuracy, class_f1

PAIRS = st.lists(st.tuples(st.sampled_from("012"), st.sampled_from("012")), min_size=1, max_size=30)


@given(PAIRS)
@settings(max_examples=10_000, deadline=None)
def test_accuracy_and_f1(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = [g for g, _ in pairs], [p for _, p in pairs]
    assert accuracy(gold, predicted) == pytest.approx(
        100 * accuracy_score(gold, predicted), abs=1e-9
    )
    expected = f1_score(gold, predicted, labels=["1"], average="micro", zero_division=0)
    assert class_f1(gold, predicted, "1") == pytest.approx(100 * expected, abs=1e-9)
