"""What predictions must obey, and how often languages agree."""

import pytest

from dstilts.tasks.metrics.consistency import (
    Constraint,
    cross_lingual_consistency,
    logical_consistency,
    obeys,
    pairwise_consistency,
)

E, N, C = "entailment", "neutral", "contradiction"


@pytest.mark.parametrize(
    ("constraint", "allowed"),
    [
        ("negation", {(E, C), (C, E), (N, N)}),
        ("contradiction_symmetry", {(C, C), (E, E), (N, N), (E, N), (N, E)}),
        ("paraphrase_symmetry", {(E, E), (N, N), (C, C)}),
        ("entailment_asymmetry", {(a, b) for a in (E, N, C) for b in (E, N, C)} - {(E, E)}),
    ],
)
def test_what_is_allowed(constraint: Constraint, allowed: set[tuple[str, str]]) -> None:
    labels = (E, N, C)
    assert {(a, b) for a in labels for b in labels if obeys(constraint, a, b)} == allowed


def test_share_by_constraint() -> None:
    groups: list[tuple[Constraint, str, str]] = [
        ("negation", E, C),
        ("negation", E, E),
        ("negation", N, N),
        ("negation", N, C),
        ("paraphrase_symmetry", "1", "1"),
    ]
    assert logical_consistency(groups) == {"negation": 50.0, "paraphrase_symmetry": 100.0}
    assert logical_consistency([]) == {}


PREDICTIONS = {
    "de": {"1": E, "2": N, "3": C, "4": ["a", "b"]},
    "en": {"4": ["a", "b"], "3": C, "2": E, "1": E},
    "fi": {"1": E, "2": N, "3": N, "4": ["a", "b"]},
}


def test_one_prediction_in_all_languages() -> None:
    assert cross_lingual_consistency(PREDICTIONS) == 50.0


def test_each_two_languages() -> None:
    assert pairwise_consistency(PREDICTIONS) == {
        ("de", "en"): 75.0,
        ("de", "fi"): 75.0,
        ("en", "fi"): 50.0,
    }


def test_languages_that_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="fewer than two"):
        cross_lingual_consistency({"de": {"1": E}})
    with pytest.raises(ValueError, match="different items"):
        pairwise_consistency({"de": {"1": E}, "en": {"2": E}})
    with pytest.raises(ValueError, match="or none"):
        cross_lingual_consistency({"de": {}, "en": {}})
