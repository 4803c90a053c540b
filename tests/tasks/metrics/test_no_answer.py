"""SQuAD v2.0: the search for the best threshold, on cases worked by hand."""

import pytest

from dstilts.tasks.metrics.no_answer import no_answer_scores

GOLD = {"1": ["red car"], "2": ["blue car", "car"], "3": [], "4": []}


def test_the_threshold_is_where_the_mean_is_highest() -> None:
    predictions = {
        "1": ("red car", -3.0),
        "2": ("blue", -1.0),
        "3": ("house", 0.5),
        "4": ("tree", -2.0),
    }
    # With no answer anywhere 2 of 4 are right; then 1 makes 3, 4 makes 2, 2 makes 2 2/3, 3 less.
    assert no_answer_scores(GOLD, predictions) == {
        "f1": 75.0,
        "exact_match": 75.0,
        "answerable_f1": 50.0,
        "no_answer_accuracy": 100.0,
    }


def test_f1_and_exact_match_have_thresholds_of_their_own() -> None:
    predictions = {"1": ("the car", 0.2), "2": ("car", 0.1), "3": ("", 0.3), "4": ("x", 0.4)}
    scores = no_answer_scores(GOLD, predictions)
    # Exact match is best from 2 on, F1 with 1 as well: 2/3 of its words.
    assert scores["exact_match"] == 75.0
    assert scores["f1"] == pytest.approx(100 * (2 + 1 + 2 / 3) / 4)
    assert scores["answerable_f1"] == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert scores["no_answer_accuracy"] == 100.0


def test_of_equal_results_the_one_with_fewer_answers_counts() -> None:
    scores = no_answer_scores({"1": ["x"], "3": []}, {"3": ("y", 1.0), "1": ("x", 2.0)})
    assert scores["f1"] == 50.0
    # No threshold beats silence, whose threshold is the official script's 0.
    assert (scores["answerable_f1"], scores["no_answer_accuracy"]) == (0.0, 100.0)


def test_an_empty_text_is_no_answer() -> None:
    scores = no_answer_scores({"3": [], "1": ["a b"]}, {"3": ("", -9.0), "1": ("b", 0.0)})
    assert scores["no_answer_accuracy"] == 100.0
    assert scores["f1"] == 100.0, "articles do not count"


def test_answers_of_which_nothing_is_left_are_no_answers() -> None:
    scores = no_answer_scores({"1": ["the"], "2": ["x", "!"]}, {"1": ("", -1.0), "2": ("y", 0.0)})
    assert scores["f1"] == 50.0
    assert scores["no_answer_accuracy"] == 0.0, "no question of this kind"


def test_a_question_without_a_prediction_has_an_empty_one() -> None:
    assert no_answer_scores({"1": ["x"]}, {})["f1"] == 0.0
    assert no_answer_scores({"1": []}, {})["f1"] == 100.0


def test_nothing_to_score() -> None:
    with pytest.raises(ValueError, match="no question"):
        no_answer_scores({}, {})
