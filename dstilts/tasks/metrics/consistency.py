"""Consistency: whether predictions agree with logic and with each other across languages."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Literal

import numpy as np

# What the predictions for a group of minimal pairs must obey, whatever the gold labels are.
# negation: one premise, a hypothesis and its negation: what follows from the one contradicts the
# other. contradiction_symmetry: a pair and the swapped pair: both contradict, or neither.
# paraphrase_symmetry: a pair and the swapped pair get the same label. entailment_asymmetry: a pair
# and the swapped pair of statements that do not mean the same: not both entail.
Constraint = Literal[
    "negation", "contradiction_symmetry", "paraphrase_symmetry", "entailment_asymmetry"
]

ByLanguage = Mapping[str, Mapping[str, object]]  # language -> item -> prediction

_OPPOSITE = {
    "entailment": "contradiction",
    "contradiction": "entailment",
    "neutral": "neutral",
}
_RULES: Mapping[Constraint, Callable[[str, str], bool]] = {
    "negation": lambda one, other: _OPPOSITE[one] == other,
    "contradiction_symmetry": lambda one, other: (
        (one == "contradiction") == (other == "contradiction")
    ),
    "paraphrase_symmetry": lambda one, other: one == other,
    "entailment_asymmetry": lambda one, other: not one == other == "entailment",
}


def obeys(constraint: Constraint, one: str, other: str) -> bool:
    """Whether the labels predicted for a group's two pairs obey its constraint."""
    return _RULES[constraint](one, other)


def logical_consistency(groups: Sequence[tuple[Constraint, str, str]]) -> dict[str, float]:
    """By constraint the share of groups that obey it, in per cent.

    Somebody who always says "neutral" obeys all of them: it means something beside an accuracy.

    Args:
        groups: the constraint and the two predicted labels of each group.
    """
    by_name: dict[str, list[bool]] = {}
    for constraint, one, other in groups:
        by_name.setdefault(constraint, []).append(obeys(constraint, one, other))
    return {name: 100 * float(np.mean(found)) for name, found in by_name.items()}


def cross_lingual_consistency(predictions: ByLanguage) -> float:
    """The share of parallel items with one prediction in every language, in per cent.

    Args:
        predictions: by language and item, the same items in every language.

    Raises:
        ValueError: fewer than two languages, no items, or items that a language lacks.
    """
    rows = zip(*_columns(predictions).values(), strict=True)
    return 100 * float(np.mean([all(found == row[0] for found in row) for row in rows]))


def pairwise_consistency(predictions: ByLanguage) -> dict[tuple[str, str], float]:
    """For each two languages the share of parallel items with the same prediction, in per cent.

    Args:
        predictions: as for `cross_lingual_consistency`.

    Raises:
        ValueError: see `cross_lingual_consistency`.
    """
    columns = _columns(predictions)
    return {
        (one, other): 100
        * float(np.mean([a == b for a, b in zip(columns[one], columns[other], strict=True)]))
        for one, other in combinations(columns, 2)
    }


def _columns(predictions: ByLanguage) -> dict[str, list[object]]:
    """The predictions of each language in one order of the items."""
    if len(predictions) < 2:
        raise ValueError("consistency across fewer than two languages")
    first, *others = predictions.values()
    if not first or any(other.keys() != first.keys() for other in others):
        raise ValueError("languages have different items, or none")
    return {code: [found[name] for name in first] for code, found in predictions.items()}
