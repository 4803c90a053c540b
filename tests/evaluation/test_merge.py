"""Outputs of shards, in any order, to one prediction an example; anything else is refused."""

from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from dstilts.evaluation.merge import MergeError, PlannedSet, join_outputs, predictions
from dstilts.evaluation.outputs import Arrays
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import (
    ChoiceExample,
    Example,
    ExampleSet,
    PairExample,
    SentenceExample,
    SpanExample,
    TaggingExample,
)

UNITS = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0]], dtype=np.int32)


def outputs(table: int, rows: list[int]) -> dict[int, Arrays]:
    arrays = {
        "row": np.array(rows, dtype=np.int32),
        "choice": np.zeros(len(rows), dtype=np.int32),
        "label": np.array(rows, dtype=np.int32) + 10 * table,
    }
    return {table: arrays}


def test_joins_shards_in_any_order() -> None:
    found = join_outputs([outputs(1, [0]), outputs(0, [1]), outputs(0, [0])], UNITS)
    assert {number: arrays["label"].tolist() for number, arrays in found.items()} == {
        0: [1, 0],
        1: [10],
    }


@pytest.mark.parametrize("rows", [[0], [0, 1, 1], [0, 2], [0, 1, 2]])
def test_refuses_units_that_are_missing_or_twice_there(rows: list[int]) -> None:
    with pytest.raises(MergeError, match=r"the plan 3"):
        join_outputs([outputs(1, [0]), outputs(0, rows)], UNITS)


def merged(name: str, examples: list[Example], rows: list[int], **arrays: list[Any]) -> Any:
    """Predictions from arrays of table 0 whose rows belong to the examples `rows`."""
    planned = PlannedSet(
        task(name),
        ExampleSet(name, "test", "en", "memory", tuple(examples)),
        0,
        Dataset.from_dict({"example": rows}),
    )
    found = {field: np.array(values) for field, values in arrays.items()}
    return predictions(planned, {0: found})


def test_pairs() -> None:
    examples: list[Example] = [PairExample(name, "", "", None) for name in "ab"]
    found = merged("xnli", examples, [0, 1], row=[1, 0], label=[2, 0])
    assert found == {"a": "contradiction", "b": "neutral"}
    assert list(found) == ["a", "b"]


def test_the_best_choice_and_of_equal_ones_the_first() -> None:
    examples: list[Example] = [ChoiceExample(n, "", "", ("x", "y", "z"), None) for n in "ab"]
    found = merged(
        "socialiqa",
        examples,
        [0, 1],
        row=[1, 0, 1, 0, 0, 1],
        choice=[2, 1, 0, 0, 2, 1],
        score=[5.0, 1.0, 4.0, 0.0, 1.0, 5.0],
    )
    assert found == {"a": 1, "b": 1}


def test_the_best_window_answers_from_the_original_context() -> None:
    examples: list[Example] = [SpanExample("a", "one  two", "", ()), SpanExample("b", "x", "", ())]
    arrays: dict[str, list[Any]] = {
        "row": [2, 1, 0],
        "score": [-9.0, 2.0, 1.0],
        "start": [0, 0, 5],
        "end": [1, 8, 8],
        "none": [0.5, 3.0, 2.5],
    }
    assert merged("xquad", examples, [0, 0, 1], **arrays) == {"a": "one  two", "b": "x"}
    # The window that is least sure of "no answer" speaks for the question (SQuAD v2.0's baselines).
    found = merged("squad_v2", examples, [0, 0, 1], **arrays)
    assert found == {"a": ["one  two", 0.5], "b": ["x", 9.5]}


def test_split_sentences_are_joined_word_by_word() -> None:
    examples: list[Example] = [
        TaggingExample("a", ("w",) * 3, ("X",) * 3),
        TaggingExample("b", ("w",), ("X",)),
    ]
    arrays: dict[str, list[Any]] = {"row": [2, 1, 0], "count": [1, 1, 2]}
    found = merged("udpos", examples, [0, 0, 1], **arrays, word=[0, 2, 0, 1], tag=[3, 2, 0, 1])
    assert found == {"a": ["ADJ", "ADP", "ADV"], "b": ["AUX"]}
    with pytest.raises(MergeError, match="not each word of example 'a'"):
        merged("udpos", examples, [0, 0, 1], **arrays, word=[0, 1, 0, 1], tag=[3, 2, 0, 1])


def test_an_example_without_a_prediction_is_refused() -> None:
    examples: list[Example] = [PairExample(name, "", "", None) for name in "ab"]
    with pytest.raises(MergeError, match="1 predictions for 2 examples"):
        merged("xnli", examples, [0, 1], row=[0], label=[0])


def test_sentences_find_their_vectors_where_their_text_was_encoded() -> None:
    examples = tuple(
        SentenceExample(f"{side}{i}", "", side, ()) for side in ("source", "target") for i in (0, 1)
    )
    planned = PlannedSet(
        task("tatoeba"),
        ExampleSet("tatoeba", "test", "de", "memory", examples),
        1,
        None,
        np.array([[1, 0], [1, 1], [0, 7], [1, 0]], dtype=np.int32),
    )
    found = {
        0: {"row": np.array([3, 7]), "vector": np.float32([[9, 9], [0, 1]])},
        1: {"row": np.array([1, 0]), "vector": np.float32([[0.1, 2], [3, 0]])},
    }
    assert predictions(planned, found) == {
        "source0": "target1",
        "source1": "target0",
        "target0": "source1",
        "target1": "source0",
    }
