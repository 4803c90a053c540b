"""Span scores against seqeval on random tag sequences.

Only for tags with an explicit prefix: on bare tags the installed version strips the first character
and differs from the version that XTREME's numbers come from, whose expectations on bare tags are in
`test_official_mock_data.py`.
"""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from dstilts.tasks.metrics.tagging import span_scores, spans

TAGS = st.sampled_from(["O", *(f"{p}-{t}" for p in "BIES" for t in ("PER", "LOC", "ORG"))])
SENTENCES = st.lists(
    st.integers(1, 8).flatmap(
        lambda n: st.tuples(
            st.lists(TAGS, min_size=n, max_size=n), st.lists(TAGS, min_size=n, max_size=n)
        )
    ),
    min_size=1,
    max_size=4,
)


@given(st.lists(TAGS, max_size=10))
@settings(max_examples=150, deadline=None)
def test_spans(tags: list[str]) -> None:
    assert [tuple(span) for span in spans(tags)] == get_entities(tags)


@given(SENTENCES)
@settings(max_examples=60, deadline=None)
def test_scores(pairs: list[tuple[list[str], list[str]]]) -> None:
    gold, predicted = [g for g, _ in pairs], [p for _, p in pairs]
    scores = span_scores(gold, predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of seqeval, about scores that it sets to 0
        assert scores["f1"] == pytest.approx(100 * f1_score(gold, predicted))
        assert scores["precision"] == pytest.approx(100 * precision_score(gold, predicted))
        assert scores["recall"] == pytest.approx(100 * recall_score(gold, predicted))
