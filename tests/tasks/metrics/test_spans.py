"""SQuAD v1.1 scores on the cases in which scorers differ."""

import pytest

from dstilts.tasks.metrics.spans import exact_match, normalize, span_scores, word_f1


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Cat, an-imal!", "cat animal"),
        ("a an the", ""),
        ("theatre", "theatre"),
        ("the-cat", "thecat"),  # punctuation goes first, so that the article is no word any more
        ("\u201cquoted\u201d", "\u201cquoted\u201d"),  # only ASCII punctuation
        ("la casa", "la casa"),  # only English articles
        ("\u4e09 \u4e2a\u3002", "\u4e09 \u4e2a\u3002"),
    ],
)
def test_normalize(text: str, normal: str) -> None:
    assert normalize(text) == normal


def test_word_f1() -> None:
    assert word_f1("the red red car", "red car") == pytest.approx(0.8)
    assert word_f1("blue", "red") == 0.0
    assert word_f1("the", "a") == 0.0, "two empty bags, as in the official v1.1 scorer"
    assert exact_match("the", "a") == 1.0


def test_best_gold_answer_counts_and_missing_ids_are_wrong() -> None:
    gold = {"1": ["red car", "car"], "2": ["river"], "3": ["x"], "4": ["y"]}
    scores = span_scores(gold, {"1": "A car!", "2": "the big river", "5": "not asked"})
    assert scores["exact_match"] == 25.0
    assert scores["f1"] == pytest.approx(100 * (1 + 2 / 3) / 4)


def test_nothing_to_score() -> None:
    with pytest.raises(ValueError, match="no question"):
        span_scores({}, {"1": "a"})
