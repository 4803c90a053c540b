"""Names that resolve to things, with the nearest known name in the error when they do not."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from dstilts.core.errors import UserError

T = TypeVar("T")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, or None when nothing is close."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def unknown(kind: str, name: str, known: Iterable[str], *, file: object = None) -> UserError:
    """The error for an unknown `name` of some `kind` ("task", "key"), with a suggestion."""
    names = sorted(known)
    guess = nearest(name, names)
    remedy = f"did you mean {guess!r}?" if guess else f"known: {', '.join(names) or 'none'}"
    return UserError(
        f"unknown {kind} {name!r}", file=None if file is None else str(file), remedy=remedy
    )


def lookup(kind: str, name: str, table: Mapping[str, T]) -> T:
    """`table[name]`.

    Raises:
        UserError: there is no such name; the message carries the nearest known one.
    """
    try:
        return table[name]
    except KeyError:
        raise unknown(kind, name, table) from None
