"""Accuracy and class F1 on small cases worked by hand."""

import pytest

from dstilts.tasks.metrics.classification import accuracy, class_f1


def test_accuracy() -> None:
    assert accuracy(["a", "b", "b", "c"], ["a", "b", "c", "c"]) == 75.0


def test_accuracy_of_nothing_or_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="nothing"):
        accuracy([], [])
    with pytest.raises(ValueError, match="shorter"):
        accuracy(["a", "b"], ["a"])


def test_class_f1() -> None:
    # precision 2/3, recall 2/4
    assert class_f1("1111000", "1100010", "1") == pytest.approx(100 * 4 / 7)
    assert class_f1("00", "00", "1") == 0.0
