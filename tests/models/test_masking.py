"""Masking: which tokens are hidden, and by what."""

import numpy as np
import pytest

from dstilts.core.errors import UserError
from dstilts.core.random_numbers import stream
from dstilts.models.masking import Masking
from dstilts.tasks.encode_options import IGNORED
from tests.tiny import byte_level_tokenizer, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
MASKING = Masking.of(TOKENIZER)


def test_as_many_tokens_are_masked_as_the_row_says_and_no_special_ones() -> None:
    ids = [0, *range(10, 50), 2]
    (row,) = MASKING.apply([{"input_ids": ids, "num_masked": 6}], stream(1))
    places = [index for index, label in enumerate(row["labels"]) if label != IGNORED]
    assert len(places) == 6
    assert 0 not in places
    assert len(ids) - 1 not in places
    assert [row["labels"][place] for place in places] == [ids[place] for place in places]
    rest = set(range(len(ids))) - set(places)
    assert all(row["input_ids"][place] == ids[place] for place in rest)


def test_four_in_five_become_the_mask_and_one_in_ten_any_piece() -> None:
    rows = [{"input_ids": [0, *range(10, 60), 2], "num_masked": 50} for _ in range(400)]
    masked = MASKING.apply(rows, stream(2))
    hidden = np.array([row["input_ids"][1:-1] for row in masked])
    gold = np.array([row["labels"][1:-1] for row in masked])
    mask = TOKENIZER.mask_token_id
    assert np.mean(hidden == mask) == pytest.approx(0.8, abs=0.01)
    assert np.mean(hidden == gold) == pytest.approx(0.1, abs=0.01)
    others = hidden[(hidden != mask) & (hidden != gold)]
    assert not set(others.tolist()) & set(TOKENIZER.all_special_ids)
    assert len(set(others.tolist())) > len(TOKENIZER) / 2


def test_the_draw_is_a_function_of_the_stream() -> None:
    rows = [{"input_ids": [0, *range(10, 60), 2], "num_masked": 7}]
    one, same, other = (MASKING.apply(rows, stream(name)) for name in ("a", "a", "b"))
    assert one == same
    assert one != other


def test_a_tokenizer_without_a_mask_is_named() -> None:
    with pytest.raises(UserError, match="no mask token"):
        Masking.of(byte_level_tokenizer())
