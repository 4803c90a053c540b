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

    Args:
        groups: the constraint and the two predicted labels of each group.
    """
    by_name: dict[str, list[bool]] = {}
    for constraint, one, other in groups:
        by_name.setdefault(constraint, []).append(obeys(constraint, one, other))
    return {name: 100 * float(np.mean(found)) for name, found in by_name.items()}


def cross_lingual_consistency(
    predictions: Mapping[str, Mapping[str, object]],
) -> dict[str, float]:
    """How often parallel items get the same prediction in different languages, in per cent.

    `all`: the share of items with one prediction in every language; `pairs`: the mean over all
    pairs of languages of the share of items with the same one.

    Args:
        predictions: by language and item, the same items in every language.

    Raises:
        ValueError: fewer than two languages, no items, or items that a language lacks.
    """
    if len(predictions) < 2:
        raise ValueError("consistency across fewer than two languages")
    first, *others = predictions.values()
    if not first or any(other.keys() != first.keys() for other in others):
        raise ValueError("languages have different items, or none")
    columns = [[found[name] for name in first] for found in predictions.values()]
    same = [len(set(map(repr, row))) == 1 for row in zip(*columns, strict=True)]
    pairs = [
        np.mean([a == b for a, b in zip(one, other, strict=True)])
        for one, other in combinations(columns, 2)
    ]
    return {"all": 100 * float(np.mean(same)), "pairs": 100 * float(np.mean(pairs))}
