"""Word embeddings of the rows in use: the same states, and the whole table back afterwards."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from datasets import Dataset

from dstilts.models.compact_embedding import compact, used_ids
from dstilts.models.encoder import load_encoder
from tests.tiny import tiny_encoder

USED = [0, 2, 5, 40, 41]  # and the padding, 1, where the embedding knows of it


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "mt5", "modernbert"])
def test_the_same_states_from_fewer_rows(kind: str, tmp_path: Path) -> None:
    folder = str(tiny_encoder(tmp_path / kind, kind))
    whole, cut = load_encoder(folder).model, load_encoder(folder).model
    mask = np.zeros(whole.get_input_embeddings().num_embeddings, dtype=bool)
    mask[USED] = True
    mask[1] = kind == "mt5"
    compacted = compact(cut, mask)
    assert compacted is not None
    assert compacted.kept.tolist() == [0, 1, 2, 5, 40, 41]
    ids = torch.tensor([[0, 5, 41, 2], [0, 40, 2, 1]])
    attention = (ids != 1).long()
    with torch.no_grad():
        expected = whole(input_ids=ids, attention_mask=attention).last_hidden_state
        states = cut(input_ids=compacted.translate(ids), attention_mask=attention).last_hidden_state
    assert torch.equal(states, expected)
    trained = cut.get_parameter(compacted.name).detach() + 1
    restored = compacted.restore(trained, 0.5)
    before = whole.get_input_embeddings().weight.detach()
    assert torch.equal(restored[compacted.kept], before[compacted.kept] + 1)
    others = torch.ones(len(before), dtype=torch.bool)
    others[compacted.kept] = False
    assert torch.equal(restored[others], before[others] * 0.5)


def test_a_token_that_is_not_there_is_noticed(tmp_path: Path) -> None:
    model = load_encoder(str(tiny_encoder(tmp_path))).model
    mask = np.zeros(model.get_input_embeddings().num_embeddings, dtype=bool)
    compacted = compact(model, mask)
    assert compacted is not None
    with pytest.raises(AssertionError, match="no training row"):
        compacted.translate(torch.tensor([[50]]))


def test_nothing_is_cut_where_all_is_used(tmp_path: Path) -> None:
    model = load_encoder(str(tiny_encoder(tmp_path))).model
    module = model.get_input_embeddings()
    assert compact(model, np.ones(module.num_embeddings, dtype=bool)) is None
    assert model.get_input_embeddings() is module


def test_ids_of_rows_and_of_choices() -> None:
    rows = Dataset(pa.table({"input_ids": [[1, 2], [3]], "label": [7, 8]}))
    choices = Dataset(pa.table({"choice_input_ids": [[[9], [4, 4]]]}))
    assert np.flatnonzero(used_ids([rows, choices], 12)).tolist() == [1, 2, 3, 4, 9]
