"""Phrases that several studies share: what an interval says, in plain language."""

from dstilts.reporting.text import listing
from dstilts.studies.estimates import Estimate


def verdict(found: Estimate, more: str = "a gain", less: str = "a loss") -> str:
    """What an interval shows: a gain, a loss, or neither."""
    if found.low is None:
        return "not measured well enough for an interval"
    if found.sign > 0:
        return more
    return less if found.sign < 0 else "no difference that stands out from chance"


def column_title(target: str, task: str) -> str:
    """The name of a column for readers."""
    return task if target == task else f"{task} after {target}"


def names(items: list[str]) -> str:
    """ "a, b and c"; "none" for no items."""
    return listing(items) if items else "none"
