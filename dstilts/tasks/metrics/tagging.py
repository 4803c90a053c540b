"""Span F1 over tag sequences, with the chunker of the scorer XTREME's numbers come from.

That is seqeval 0.0.12: the first character of a tag is its IOBES prefix, the text after the last
"-" its type. On bare part-of-speech tags this is no token accuracy: a run of one tag is one span,
tags that begin with S (SCONJ, SYM) are single spans. Later versions of seqeval strip the first
character from the type and give other numbers for part of speech.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dstilts.tasks.metrics.classification import accuracy

Sentence = Sequence[str]
Codes = npt.NDArray[np.int64]  # tags as numbers


class Span(NamedTuple):
    """A typed run of words of one sentence, `start` to `end`, both in."""

    type: str
    start: int
    end: int


def span_scores(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> dict[str, float]:
    """`precision`, `recall` and `f1` of the spans of all sentences together, in per cent.

    Where nothing is predicted, or nothing is gold, the score that would divide by 0 is 0.

    Raises:
        ValueError: the numbers of sentences, or of tags in a sentence, differ, or a tag is empty.
    """
    hits, num_predicted, num_gold = map(int, sentence_counts(gold, predicted).sum(0))
    return {
        "precision": 100 * hits / num_predicted if num_predicted else 0.0,
        "recall": 100 * hits / num_gold if num_gold else 0.0,
        "f1": 200 * hits / (num_gold + num_predicted) if hits else 0.0,
    }


def sentence_counts(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> Codes:
    """Of each sentence the spans that are right, predicted and gold: (number of sentences, 3).

    Raises:
        ValueError: the numbers of sentences, or of tags in a sentence, differ, or a tag is empty.
    """
    _check(gold, predicted)
    numbers = _Numbers()
    wanted, given = numbers.flat(gold), numbers.flat(predicted)
    rules = _Rules(list(numbers))
    one, other = rules.chunk(wanted), rules.chunk(given)
    # Spans are the same that end at the same tag, begin at the same one, and have one type.
    is_hit = one.ends & other.ends & (one.starts == other.starts) & (one.types == other.types)
    # What stands before each sentence; it ends with a border, at which no span does.
    borders = np.cumsum([0, *(len(tags) + 1 for tags in gold)])
    totals = [np.cumsum([0, *marks], dtype=np.int64) for marks in (is_hit, other.ends, one.ends)]
    return np.stack([np.diff(total[np.minimum(borders, len(is_hit))]) for total in totals], axis=1)


def spans(tags: Sentence) -> list[Span]:
    """The spans of one sentence, from left to right.

    Raises:
        ValueError: a tag is empty.
    """
    numbers = _Numbers()
    flat = numbers.flat([tags])
    rules = _Rules(list(numbers))
    found = rules.chunk(flat)
    return [
        Span(rules.types[found.types[end]], int(found.starts[end]), int(end))
        for end in np.flatnonzero(found.ends)
    ]


def token_accuracy(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> float:
    """The share of words with the right tag, in per cent.

    Raises:
        ValueError: the numbers of sentences, or of tags in a sentence, differ; or there is no word.
    """
    _check(gold, predicted)
    return accuracy([t for tags in gold for t in tags], [t for tags in predicted for t in tags])


class _Chunks(NamedTuple):
    """For each tag its type, whether a span ends at it, and where such a span starts."""

    types: npt.NDArray[np.int64]
    ends: npt.NDArray[np.bool_]
    starts: npt.NDArray[np.int64]


class _Rules:
    """The rules as tables over pairs of tags, so that whole files are chunked at once."""

    def __init__(self, tags: Sequence[str]) -> None:
        if "" in tags:
            raise ValueError("an empty tag")
        self.types = list(dict.fromkeys(map(_type, tags)))
        prefixes = list(dict.fromkeys(tag[0] for tag in tags))
        self._type_of = np.array([self.types.index(_type(tag)) for tag in tags])
        self._prefix_of = np.array([prefixes.index(tag[0]) for tag in tags])
        self._is_inside = np.array([prefix not in "O." for prefix in prefixes])
        self._ends = np.array([[_ends(a, b) for b in prefixes] for a in prefixes])
        self._begins = np.array([[_begins(a, b) for b in prefixes] for a in prefixes])

    def chunk(self, flat: Codes) -> _Chunks:
        """The spans of sentences that end with a border each."""
        types, prefixes = self._type_of[flat], self._prefix_of[flat]
        before, after = prefixes[:-1], prefixes[1:]
        changes = types[:-1] != types[1:]
        ends = self._ends[before, after] | (self._is_inside[before] & changes)
        begins = self._begins[before, after] | (self._is_inside[after] & changes)
        # A span starts at the last beginning up to its end; before the first tag nothing is open.
        places = np.arange(1, len(flat))
        starts = np.maximum.accumulate(np.concatenate([[0], np.where(begins, places, 0)]))
        return _Chunks(types[:-1], ends, starts[:-1])


class _Numbers(dict[str, int]):
    """A number for each tag, given when it is first seen; 0 is the border after a sentence."""

    def __init__(self) -> None:
        super().__init__({"O": 0})

    def __missing__(self, tag: str) -> int:
        self[tag] = len(self)
        return self[tag]

    def flat(self, sentences: Sequence[Sentence]) -> Codes:
        """The numbers of all tags, with a border after each sentence."""
        tags: list[str] = []
        for sentence in sentences:
            tags += sentence
            tags.append("O")
        return np.fromiter(map(self.__getitem__, tags), dtype=np.int64, count=len(tags))


def _type(tag: str) -> str:
    return tag.rsplit("-", 1)[-1]


def _ends(before: str, prefix: str) -> bool:
    """Whether a span ends after a prefix whatever the types are."""
    return before in "ES" or (before in "BI" and prefix in "BSO")


def _begins(before: str, prefix: str) -> bool:
    """Whether a span begins whatever the types are: also inside, where no span is open."""
    return prefix in "BS" or (prefix in "EI" and before in "ESO")


def _check(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> None:
    for index, (tags, guesses) in enumerate(zip(gold, predicted, strict=True)):
        if len(tags) != len(guesses):
            raise ValueError(f"sentence {index} has {len(tags)} tags, {len(guesses)} predicted")
