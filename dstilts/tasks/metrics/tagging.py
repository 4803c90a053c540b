"""Span F1 over tag sequences, with the chunker of the scorer XTREME's numbers come from.

That is seqeval 0.0.12: the first character of a tag is its IOBES prefix, the text after the last
"-" its type. On bare part-of-speech tags this is no token accuracy: a run of one tag is one span,
tags that begin with S (SCONJ, SYM) are single spans. Later versions of seqeval strip the first
character from the type and give other numbers for part of speech.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dstilts.tasks.metrics.classification import accuracy

Sentence = Sequence[str]


class Span(NamedTuple):
    """A typed run of words of one sentence, `start` to `end`, both in."""

    type: str
    start: int
    end: int


def spans(tags: Sentence) -> Iterator[Span]:
    """The spans of one sentence, from left to right."""
    before, type_before, start = "O", "O", 0
    for index, tag in enumerate([*tags, "O"]):
        prefix, type_ = tag[0], tag.rsplit("-", 1)[-1]
        if _ends(before, prefix, type_before != type_):
            yield Span(type_before, start, index - 1)
        if _begins(before, prefix, type_before != type_):
            start = index
        before, type_before = prefix, type_


def _ends(before: str, prefix: str, types_differ: bool) -> bool:
    if before in "ES":
        return True
    if before in "BI" and prefix in "BSO":
        return True
    return before not in "O." and types_differ


def _begins(before: str, prefix: str, types_differ: bool) -> bool:
    if prefix in "BS":
        return True
    if prefix in "EI" and before in "ESO":
        # An inside tag that follows no open span opens one. (I after E, E after E, ...)
        return True
    return prefix not in "O." and types_differ


def span_scores(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> dict[str, float]:
    """`precision`, `recall` and `f1` of the spans of all sentences together, in per cent.

    Where nothing is predicted, or nothing is gold, the score that would divide by 0 is 0.

    Raises:
        ValueError: the numbers of sentences, or of tags in a sentence, differ.
    """
    _check(gold, predicted)
    gold_spans = _all_spans(gold)
    predicted_spans = _all_spans(predicted)
    hits = len(gold_spans & predicted_spans)
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


def _all_spans(sentences: Sequence[Sentence]) -> set[tuple[int, Span]]:
    return {(index, span) for index, tags in enumerate(sentences) for span in spans(tags)}


def _check(gold: Sequence[Sentence], predicted: Sequence[Sentence]) -> None:
    for index, (tags, guesses) in enumerate(zip(gold, predicted, strict=True)):
        if len(tags) != len(guesses):
            raise ValueError(f"sentence {index} has {len(tags)} tags, {len(guesses)} predicted")
