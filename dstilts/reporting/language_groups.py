"""Which languages a table takes together: English apart, the others by family, script, distance."""

from collections.abc import Collection

from dstilts.tasks.typology import GROUPINGS, TYPOLOGY, grouped, typological_distance

DISTANCE = "distance to English"  # one of `GROUPINGS`

_TRAINED_ON = "en"  # what it gains is no transfer, so it is a group of its own


def language_groups(codes: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """The languages by each of `GROUPINGS`, then by group; English, if it is there, first."""
    return {name: _groups(codes, name) for name in GROUPINGS}


def _groups(codes: Collection[str], by: str) -> dict[str, list[str]]:
    english = {"English (trained on)": [_TRAINED_ON]} if _TRAINED_ON in codes else {}
    others = grouped([code for code in codes if code != _TRAINED_ON], by)
    if by == DISTANCE:  # from near to far, not by size
        others = dict(sorted(others.items(), key=lambda group: _distance(group[1][0])))
    return english | others


def _distance(code: str) -> float:
    return typological_distance(code) if code in TYPOLOGY else 1.0
