"""Span F1 over tag sequences, with the chunker of the scorer XTREME's numbers come from.

That is seqeval 0.0.12: the first character of a tag is its IOBES prefix, the text after the last
"-" its type. On bare part-of-speech tags this is no token accuracy: a run of one tag is one span,
tags that begin with S (SCONJ, SYM) are single spans. Later versions of seqeval strip the first
character from the type and give other numbers for part of speech.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from dstilts.tasks.metrics.classification import accuracy

Sentence = Sequence[str]
Spans = npt.NDArray[np.int64]  # (number of spans, 3): number of the type, first tag, last tag


def span_scores(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> dict[str, float]:
    """`precision`, `recall` and `f1` of the spans of all sentences together, in per cent.

    Where nothing is predicted, or nothing is gold, the score that would divide by 0 is 0.

    Raises:
        ValueError: the numbers of sentences, or of tags in a sentence, differ, or a tag is empty.
    """
    _check(gold, predicted)
    tags = {tag for sentences in (gold, predicted) for tags in sentences for tag in tags}
    chunker = Chunker(tags)
    gold_spans, predicted_spans = chunker.spans(gold), chunker.spans(predicted)
    hits = len(_common(gold_spans, predicted_spans))
    num_gold, num_predicted = len(gold_spans), len(predicted_spans)
    return {
        "precision": 100 * hits / num_predicted if num_predicted else 0.0,
        "recall": 100 * hits / num_gold if num_gold else 0.0,
        "f1": 200 * hits / (num_gold + num_predicted) if hits else 0.0,
    }


def token_accuracy(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> float:
    """The share of words with the right tag, in per cent.

    Raises:
        ValueError: the numbers of sentences, or of tags in a sentence, differ; or there is no word.
    """
    _check(gold, predicted)
    return accuracy([t for tags in gold for t in tags], [t for tags in predicted for t in tags])


class Chunker:
    """The rules as tables, so that whole files are chunked at once.

    Args:
        tags: all that may come.

    Raises:
        ValueError: a tag is empty.
    """

    def __init__(self, tags: Iterable[str]) -> None:
        # "O" stands between sentences; number 0.
        known = list(dict.fromkeys(("O", *tags)))
        if "" in known:
            raise ValueError("an empty tag")
        self._numbers = {tag: number for number, tag in enumerate(known)}
        self.types = list(dict.fromkeys(map(_type, known)))
        prefixes = list(dict.fromkeys(tag[0] for tag in known))
        self._type_of = np.array([self.types.index(_type(tag)) for tag in known])
        self._prefix_of = np.array([prefixes.index(tag[0]) for tag in known])
        self._is_inside = np.array([prefix not in "O." for prefix in prefixes])
        self._ends = np.array([[_ends(a, b) for b in prefixes] for a in prefixes])
        self._begins = np.array([[_begins(a, b) for b in prefixes] for a in prefixes])

    def spans(self, sentences: Sequence[Sentence]) -> Spans:
        """The spans of all sentences; places count tags and one more a sentence."""
        number = self._numbers
        flat = [0]
        for sentence in sentences:
            flat.extend([number[tag] for tag in sentence])
            flat.append(0)
        types, prefixes = self._type_of[flat], self._prefix_of[flat]
        before, after = prefixes[:-1], prefixes[1:]
        changes = types[:-1] != types[1:]
        ends = self._ends[before, after] | (self._is_inside[before] & changes)
        begins = self._begins[before, after] | (self._is_inside[after] & changes)
        # A span runs from the last beginning before its end; last tags are all distinct.
        places = np.arange(len(after))
        last = np.concatenate([[0], np.maximum.accumulate(np.where(begins, places, 0))[:-1]])
        where = np.flatnonzero(ends)
        return np.stack([types[where], last[where], where - 1], axis=1)


def _common(one: Spans, other: Spans) -> npt.NDArray[np.int64]:
    """The spans that both have, as one number each."""
    size = 1 + int(max(one.max(initial=0), other.max(initial=0)))
    first, second = ((s[:, 0] * size + s[:, 1]) * size + s[:, 2] for s in (one, other))
    return np.intersect1d(first, second, assume_unique=True)


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
