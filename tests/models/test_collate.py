"""Padding of token rows."""

import numpy as np
import torch

from dstilts.models.collate import collate


def test_pairs_are_padded_to_the_longest_row() -> None:
    rows = [{"input_ids": [0, 5, 2], "label": 1}, {"input_ids": [0, 2], "label": -100}]
    batch = collate(rows, "pair", pad_id=1)
    assert batch["input_ids"].tolist() == [[0, 5, 2], [0, 2, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch["label"].tolist() == [1, -100]
    assert set(batch) == {"input_ids", "attention_mask", "label"}
    assert batch["input_ids"].dtype == torch.int64


def test_a_padding_id_inside_a_row_is_no_padding() -> None:
    batch = collate([{"input_ids": [0, 1, 2], "label": 0}], "pair", pad_id=1)
    assert batch["attention_mask"].tolist() == [[1, 1, 1]]


def test_choices_become_rows_side_by_side() -> None:
    rows = [
        {"choice_input_ids": [[0, 2], [0, 5, 2]], "label": 1},
        {"choice_input_ids": [[0, 6, 7, 2], [2]], "label": 0},
    ]
    batch = collate(rows, "choice", pad_id=1)
    assert batch["input_ids"].tolist() == [[0, 2, 1, 1], [0, 5, 2, 1], [0, 6, 7, 2], [2, 1, 1, 1]]
    assert batch["label"].tolist() == [1, 0]


def test_spans_keep_positions_and_token_types() -> None:
    rows = [
        {"input_ids": [0, 4, 2, 8, 2], "token_type_ids": [0, 0, 0, 1, 1], "start": 3, "end": 3},
        {"input_ids": [0, 2], "token_type_ids": [0, 1], "start": -100, "end": -100},
    ]
    batch = collate(rows, "span", pad_id=1)
    assert batch["start"].tolist() == [3, -100]
    assert batch["end"].tolist() == [3, -100]
    assert batch["token_type_ids"].tolist() == [[0, 0, 0, 1, 1], [0, 1, 0, 0, 0]]


def test_tags_are_padded_with_ignored_labels() -> None:
    rows = [{"input_ids": [0, 4, 2], "labels": [-100, 3, -100]}, {"input_ids": [0], "labels": [2]}]
    assert collate(rows, "tagging", 1)["labels"].tolist() == [[-100, 3, -100], [2, -100, -100]]


def test_sentences_have_no_labels() -> None:
    batch = collate([{"input_ids": [0, 2]}], "retrieval", pad_id=1)
    assert set(batch) == {"input_ids", "attention_mask"}


def test_arrays_are_the_same_as_lists() -> None:
    rows = [{"input_ids": [0, 7, 2], "labels": [-100, 3, -100]}, {"input_ids": [0], "labels": [2]}]
    arrays = [{name: np.array(row[name], dtype=np.int32) for name in row} for row in rows]
    for kind in ("tagging", "mlm"):
        expected, found = (collate(each, kind, 1) for each in (rows, arrays))
        assert list(found) == list(expected)
        for name, tensor in expected.items():
            assert found[name].dtype == tensor.dtype == torch.int64
            assert torch.equal(found[name], tensor)
