"""Both directions of retrieval, and which one is XTREME's."""

import pytest

from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.metrics.retrieval import retrieval_scores

EXAMPLES = [
    SentenceExample("xx-1", "eins", "source", ("en-1",)),
    SentenceExample("xx-2", "zwei", "source", ("en-2",)),
    SentenceExample("en-1", "one", "target", ("xx-1",)),
    SentenceExample("en-2", "two", "target", ("xx-2",)),
    SentenceExample("en-3", "two", "target", ("xx-2", "xx-1")),
]


def test_accuracy_is_asked_in_english() -> None:
    predictions = {"en-1": "xx-1", "en-2": "xx-1", "en-3": "xx-1", "xx-1": "en-1", "xx-2": "en-2"}
    scores = retrieval_scores(EXAMPLES, predictions)
    assert scores == {"accuracy": pytest.approx(200 / 3), "accuracy_xx_en": 100.0}


def test_an_empty_side() -> None:
    with pytest.raises(ValueError, match="empty side"):
        retrieval_scores(EXAMPLES[:2], {"xx-1": "a", "xx-2": "b"})
