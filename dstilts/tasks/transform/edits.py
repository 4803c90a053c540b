"""Replacing parts of a text, and where a character of the old text stands in the new one."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dstilts.tasks.examples import Answer


@dataclass(frozen=True, slots=True)
class Edit:
    """`text` in the place of the characters from `start` up to, but not including, `stop`."""

    start: int
    stop: int
    text: str


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits, which are in order and do not overlap."""
    return "".join(_parts(text, edits))


def _parts(text: str, edits: Sequence[Edit]) -> Iterator[str]:
    place = 0
    for edit in edits:
        yield text[place : edit.start]
        yield edit.text
        place = edit.stop
    yield text[place:]


def cuts(answers: Sequence[Answer], start: int, stop: int) -> bool:
    """Whether some answer begins or ends inside the characters from `start` to `stop`."""
    return any(
        start < edge < stop
        for answer in answers
        for edge in (answer.start, answer.start + len(answer.text))
    )


def moved(answers: Sequence[Answer], text: str, edits: Sequence[Edit]) -> tuple[Answer, ...]:
    """The answers in the edited text: between the same edges, none of which an edit may cut."""
    new = edited(text, edits)
    shifts = _Shifts(edits)
    found = []
    for answer in answers:
        start = shifts.new_place(answer.start)
        stop = shifts.new_place(answer.start + len(answer.text))
        found.append(Answer(new[start:stop], start))
    return tuple(found)


class _Shifts:
    """By how many characters the text behind each edit has moved."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._stops = [edit.stop for edit in edits]
        self._shifts = [0]
        for edit in edits:
            growth = len(edit.text) - (edit.stop - edit.start)
            self._shifts.append(self._shifts[-1] + growth)

    def new_place(self, place: int) -> int:
        """The new place of an edge between characters that lies inside no edit."""
        return place + self._shifts[bisect_right(self._stops, place)]
