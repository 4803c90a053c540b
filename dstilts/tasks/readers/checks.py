"""Checks that all readers share: ids, labels, and texts that are not empty."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from dstilts.core.errors import UserError
from dstilts.tasks.examples import (
    ChoiceExample,
    Example,
    PairExample,
    SpanExample,
    TaggingExample,
)

E = TypeVar("E", bound=Example)

# Large published files hold a few rows with an empty text, which stay; more are a damaged file.
_EMPTY_SHARE = 0.001


def checked(examples: list[E], path: Path, needed: Sequence[str] = ()) -> list[E]:
    """`examples`, if their ids differ and all or none have gold labels, and few texts are empty.

    Args:
        needed: of multiple choice, which of context and question may not be empty; the default is
            that one of the two may be.

    Raises:
        UserError: an id stands twice, some examples have a label and others none, or more than a
            few have an empty text.
    """
    unique_ids(examples, path)
    without = [example.id for example in examples if is_unlabelled(example)]
    if without and len(without) < len(examples):
        raise UserError(f"example {without[0]!r:.80} has no label, others have one", file=path)
    empty = [example.id for example in examples if _has_empty_text(example, needed)]
    if len(empty) > _EMPTY_SHARE * len(examples):
        raise UserError(f"example {empty[0]!r:.80} has an empty text", file=path)
    return examples


def unique_ids(examples: list[E], path: Path) -> list[E]:
    """`examples`, if no two have the same id.

    Raises:
        UserError: an id stands twice.
    """
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise UserError(f"duplicate id {example.id!r:.80}", file=path)
        seen.add(example.id)
    return examples


def unknown_label(label: str, known: Sequence[str], path: Path, line: int) -> UserError:
    """The error for a label that the task does not have."""
    remedy = f"known: {', '.join(known)}"
    return UserError(f"unknown label {label!r:.80}", file=path, line=line, remedy=remedy)


def is_unlabelled(example: Example) -> bool:
    """Whether an example of a task with labels was published without."""
    match example:
        case PairExample() | ChoiceExample():
            return example.label is None
        case SpanExample():
            return example.answerable and not example.answers
        case TaggingExample():
            return not example.tags
    return False


def _has_empty_text(example: Example, needed: Sequence[str]) -> bool:
    match example:
        case PairExample():
            texts: tuple[str, ...] = (example.text_a, example.text_b)
        case ChoiceExample():
            prompt = example.context or example.question
            texts = (prompt, *example.choices, *(getattr(example, name) for name in needed))
        case SpanExample():
            texts = (example.context, example.question)
        case _:
            texts = ()
    return not all(text.strip() for text in texts)
