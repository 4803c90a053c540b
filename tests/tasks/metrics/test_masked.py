"""Masked words: all tokens count alike, whatever text they stand in."""

import math

import pytest

from dstilts.tasks.metrics.masked import masked_scores


def test_over_all_tokens() -> None:
    scores = masked_scores([[6.0, 3, 1], [2.0, 1, 1], [0.0, 0, 0]])
    assert scores == {"accuracy": 50.0, "perplexity": pytest.approx(math.exp(2.0))}


def test_nothing_masked() -> None:
    with pytest.raises(ValueError, match="no token is masked"):
        masked_scores([[0.0, 0, 0]])
    with pytest.raises(ValueError, match="no token is masked"):
        masked_scores([])
