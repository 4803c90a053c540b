"""The chunker and the span scores on small cases worked by hand."""

import pytest

from dstilts.tasks.metrics.tagging import Span, sentence_counts, span_scores, spans, token_accuracy


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("", []),
        ("O O", []),
        ("B-PER I-PER O B-LOC", [("PER", 0, 1), ("LOC", 3, 3)]),
        ("B-PER B-PER I-LOC", [("PER", 0, 0), ("PER", 1, 1), ("LOC", 2, 2)]),
        ("I-ORG I-ORG", [("ORG", 0, 1)]),
        ("B-A I-A E-A S-A E-A I-A", [("A", 0, 2), ("A", 3, 3), ("A", 4, 4), ("A", 5, 5)]),
        # Bare tags: runs are one span, tags with S single ones, types keep their first letter.
        ("NOUN NOUN VERB", [("NOUN", 0, 1), ("VERB", 2, 2)]),
        ("SYM SYM", [("SYM", 0, 0), ("SYM", 1, 1)]),
        ("CCONJ SCONJ", [("CCONJ", 0, 0), ("SCONJ", 1, 1)]),
        ("INTJ INTJ X", [("INTJ", 0, 1), ("X", 2, 2)]),
    ],
)
def test_spans(tags: str, expected: list[tuple[str, int, int]]) -> None:
    assert spans(tags.split()) == [Span(*span) for span in expected]


def test_span_scores() -> None:
    gold = [["B-PER", "I-PER", "O"], ["B-LOC", "O"]]
    predicted = [["B-PER", "I-PER", "B-LOC"], ["O", "B-LOC"]]
    scores = span_scores(gold, predicted)
    assert scores == {
        "precision": pytest.approx(100 / 3),
        "recall": pytest.approx(50),
        "f1": pytest.approx(40),
    }
    assert token_accuracy(gold, predicted) == pytest.approx(40)


def test_sentences_do_not_run_into_each_other() -> None:
    assert span_scores([["NOUN"], ["NOUN"]], [["NOUN"], ["VERB"]])["recall"] == 50


def test_spans_of_other_types_and_places_are_other_spans() -> None:
    gold = [["B-A", "I-A", "O"], ["B-A", "O", "O"], ["B-A", "I-A", "O"]]
    predicted = [["B-A", "I-B", "O"], ["O", "B-A", "O"], ["O", "I-A", "O"]]
    assert span_scores(gold, predicted)["f1"] == 0.0


def test_no_spans_at_all() -> None:
    nothing = {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert span_scores([["O"]], [["O"]]) == span_scores([], []) == nothing
    assert span_scores([["O"]], [["B-A"]]) == span_scores([["B-A"]], [["O"]]) == nothing


def test_an_empty_tag() -> None:
    with pytest.raises(ValueError, match="an empty tag"):
        span_scores([["O"]], [[""]])


def test_different_lengths() -> None:
    with pytest.raises(ValueError, match="sentence 1 has 2 tags, 1 predicted"):
        span_scores([["O"], ["O", "O"]], [["O"], ["O"]])
    with pytest.raises(ValueError, match="shorter"):
        token_accuracy([["O"], ["O"]], [["O"]])


def test_sentences_count_as_each_alone() -> None:
    gold = [["B-PER", "I-PER", "O"], ["O"], ["B-LOC", "B-LOC", "I-LOC", "O", "B-PER"]]
    guessed = [["B-PER", "I-PER", "B-LOC"], ["O"], ["B-LOC", "B-LOC", "O", "B-PER", "O"]]
    assert sentence_counts(gold, guessed).tolist() == [[1, 2, 1], [0, 0, 0], [1, 3, 3]]
