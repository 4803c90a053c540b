"""The Tatoeba protocol: directions, ties, and the official mock data through the whole protocol."""

import pytest
import torch

from dstilts.retrieval.tatoeba import nearest_sentences
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import ExampleSet, SentenceExample
from dstilts.tasks.metrics.score import score


def sentences(*, sources: int, targets: int) -> list[SentenceExample]:
    return [
        *(SentenceExample(f"s{i}", f"satz {i}", "source", (f"t{i}",)) for i in range(sources)),
        *(SentenceExample(f"t{i}", f"sentence {i}", "target", (f"s{i}",)) for i in range(targets)),
    ]


def test_both_directions_are_predicted() -> None:
    examples = sentences(sources=2, targets=3)
    # By angle: s0 at 0, s1 at 90 degrees; t0 next to s0, t1 at s1, t2 nearer to s1.
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [5.0, 1.0], [0.0, 2.0], [1.0, 2.0]])
    assert nearest_sentences(examples, vectors) == {
        "t0": "s0",
        "t1": "s1",
        "t2": "s1",
        "s0": "t0",
        "s1": "t1",
    }


def test_the_score_asks_in_english() -> None:
    examples = sentences(sources=2, targets=2)
    # Both English sentences point to s0; s0 and s1 both point to their own translation.
    vectors = torch.tensor([[1.0, 0.0], [0.6, -0.8], [1.0, 0.3], [1.0, 0.1]])
    predictions = nearest_sentences(examples, vectors)
    metrics = score(
        task("tatoeba"), ExampleSet("tatoeba", "test", "de", "local", tuple(examples)), predictions
    )
    assert predictions["t0"] == predictions["t1"] == "s0"
    assert metrics["accuracy"] == 50.0


def test_the_first_of_equal_sentences_is_taken() -> None:
    vectors = torch.ones(6, 2)
    predictions = nearest_sentences(sentences(sources=3, targets=3), vectors)
    assert set(predictions.values()) == {"s0", "t0"}


def test_an_empty_side_is_refused() -> None:
    with pytest.raises(ValueError, match="empty side"):
        nearest_sentences(sentences(sources=2, targets=0), torch.ones(2, 2))
