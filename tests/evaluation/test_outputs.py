"""What is kept of logits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstilts.evaluation.outputs import MAX_ANSWER_TOKENS, best_span, outputs

# Few different values, so that there are ties.
LOGITS = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=70)


def chars(num_tokens: int) -> tuple[np.ndarray, np.ndarray]:
    starts = np.arange(num_tokens) * 3
    return starts, starts + 2


@given(LOGITS)
def test_the_best_span_is_the_best_of_all(logits: list[tuple[int, int]]) -> None:
    start, end = np.array(logits, dtype=np.float32).T
    sums = {
        (first, last): float(start[first] + end[last])
        for first in range(len(logits))
        for last in range(first, min(first + MAX_ANSWER_TOKENS, len(logits)))
    }
    expected = max(sums, key=sums.__getitem__)  # the first of equal ones: insertion order
    score, *found = best_span(start, end, *chars(len(logits)))
    assert tuple(found) == expected
    assert score == sums[expected]


def test_a_span_without_text_is_no_answer() -> None:
    starts, ends = np.array([1, 1, 5]), np.array([0, 4, 7])  # the first piece is a bare space
    logits = np.array([[9, 9], [1, 2], [0, 0]], dtype=np.float32)
    assert best_span(logits[:, 0], logits[:, 1], starts, ends) == (11.0, 0, 1)


def test_windows_keep_their_best_span_in_characters() -> None:
    logits = np.zeros((1, 6, 2), dtype=np.float32)
    logits[0, 0] = 99  # the question and the padding cannot answer
    logits[0, 5] = 99
    logits[0, 3, 0] = logits[0, 4, 1] = 2
    columns = {"context_start": [2], "char_starts": [[10, 13, 16]], "char_ends": [[12, 15, 18]]}
    kept = outputs("span", logits, columns)
    assert (kept["start"].tolist(), kept["end"].tolist(), kept["score"].tolist()) == (
        [13],
        [18],
        [4.0],
    )


def test_tags_of_labelled_tokens_only() -> None:
    logits = np.zeros((2, 3, 4), dtype=np.float32)
    logits[0, 1, 2] = logits[1, 0, 3] = logits[1, 2, 1] = 1
    kept = outputs("tagging", logits, {"word_index": [[-1, 0], [4, -1, 5]]})
    assert {name: array.tolist() for name, array in kept.items()} == {
        "count": [1, 2],
        "word": [0, 4, 5],
        "tag": [2, 3, 1],
    }


def test_labels_and_scores() -> None:
    logits = np.array([[0, 2, 1], [3, 3, 0]], dtype=np.float32)
    assert outputs("pair", logits, {})["label"].tolist() == [1, 0]
    assert outputs("choice", logits[:, :1], {})["score"].tolist() == [0, 3]
    with pytest.raises(ValueError, match="not predicted from logits"):
        outputs("retrieval", logits, {})
