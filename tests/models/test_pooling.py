"""Sentence vectors."""

from pathlib import Path

import pytest
import torch

from dstilts.core.errors import UserError
from dstilts.models.collate import collate
from dstilts.models.encoder import load_encoder
from dstilts.models.pooling import mean_pool, pooled_layers
from tests.tiny import tiny_encoder


def test_mean_over_what_is_no_padding() -> None:
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [100.0, 100.0]], [[1.0, 0.0]] * 3])
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    assert mean_pool(hidden, mask).tolist() == [[2.0, 3.0], [1.0, 0.0]]


def test_mean_is_taken_in_fp32() -> None:
    # In bf16 the sum of 257 ones stops at 256.
    pooled = mean_pool(torch.ones(1, 257, 1).bfloat16(), torch.ones(1, 257))
    assert pooled.item() == 1.0


@pytest.mark.parametrize("kind", ["xlm-roberta", "mt5", "modernbert"])
def test_layers_count_from_the_embeddings(tmp_path: Path, kind: str) -> None:
    bundle = load_encoder(str(tiny_encoder(tmp_path, kind)))
    batch = collate([{"input_ids": [0, 5, 6, 2]}, {"input_ids": [0, 2]}], "retrieval", 1)
    first, last, also_last = pooled_layers(bundle.model, batch, (0, -1, 2))
    assert first.shape == (2, 32)
    assert torch.equal(last, also_last)
    final = bundle.model(**batch).last_hidden_state
    torch.testing.assert_close(last, mean_pool(final, batch["attention_mask"]))
    with pytest.raises(UserError, match="no layer 3"):
        pooled_layers(bundle.model, batch, (3,))
