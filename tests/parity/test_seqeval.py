"""Span scores against seqeval on random tag sequences.

With seqeval itself only for tags with an explicit prefix: on bare tags the installed version strips
the first character and differs from the version that XTREME's numbers come from, whose rules are
written out in `reference_chunker` and whose expectations are in `test_official_mock_data.py`.
"""

import random
import warnings
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from dstilts.tasks.metrics.tagging import span_scores, spans
from dstilts.tasks.target_tasks import UPOS
from tests.parity import reference_chunker

NUM_CASES = 10_000
PREFIXED = ["O", *(f"{p}-{t}" for p in "BIES" for t in ("PER", "LOC", "ORG"))]
# Types with hyphens, single letters, full stops, prefixes of no scheme.
HOSTILE = ["O", ".", "B", "I", "E", "S", "B-A-C", "I-C", "X-", "-", "O-A", "é-A", "I-A", "S-A"]
TAGS = st.sampled_from(PREFIXED)

Sentences = list[list[str]]


def cases(tags: Sequence[str], seed: int) -> list[tuple[Sentences, Sentences]]:
    """Gold and predicted tags of one to four sentences; predictions are often right."""
    draw = random.Random(seed)
    made = []
    for _ in range(NUM_CASES):
        gold = [draw.choices(tags, k=draw.randint(1, 8)) for _ in range(draw.randint(1, 4))]
        kept = draw.random()
        guesses = [
            [tag if draw.random() < kept else draw.choice(tags) for tag in sentence]
            for sentence in gold
        ]
        made.append((gold, guesses))
    return made


def test_ten_thousand_cases_with_prefixes() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of seqeval, about scores that it sets to 0
        for gold, predicted in cases(PREFIXED, 1):
            scores = span_scores(gold, predicted)
            assert scores["f1"] == pytest.approx(100 * f1_score(gold, predicted), abs=1e-9)
            expected = 100 * precision_score(gold, predicted)
            assert scores["precision"] == pytest.approx(expected, abs=1e-9)
            expected = 100 * recall_score(gold, predicted)
            assert scores["recall"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("tags", [UPOS, HOSTILE], ids=["bare", "hostile"])
def test_ten_thousand_cases_by_the_old_rules(tags: Sequence[str]) -> None:
    found = set()
    for gold, predicted in cases(tags, 2):
        expected = reference_chunker.scores(gold, predicted)
        assert span_scores(gold, predicted) == pytest.approx(expected, abs=1e-9)
        found.add(expected["f1"])
    assert len(found) > 50


@given(st.lists(TAGS, max_size=10))
@settings(max_examples=150, deadline=None)
def test_spans(tags: list[str]) -> None:
    found = [tuple(span) for span in spans(tags)]
    assert found == get_entities(tags) == list(reference_chunker.spans(tags))
