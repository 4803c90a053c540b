"""Saying in an example set what has been done to it."""

import dataclasses
from collections.abc import Iterable

from dstilts.tasks.examples import Example, ExampleSet


def annotated(examples: ExampleSet, changed: Iterable[Example], note: str) -> ExampleSet:
    """The set with other examples, and with `note` behind what `subset` says already."""
    return dataclasses.replace(
        examples,
        examples=tuple(changed),
        subset=f"{examples.subset}; {note}" if examples.subset else note,
    )


def require(condition: bool, message: str) -> None:
    """Raises a ValueError, to which the reader of a configuration adds the file and the table."""
    if not condition:
        raise ValueError(message)
