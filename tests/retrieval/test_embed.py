"""Sentence vectors in files: the encoder's own, whatever the shards, and only what is missing."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from dstilts.core.errors import UserError
from dstilts.models.collate import collate
from dstilts.models.encoder import load_encoder
from dstilts.models.pooling import mean_pool
from dstilts.retrieval import embed
from dstilts.retrieval.embed import SentenceEncoder
from tests.evaluation.tiny_farm import words
from tests.tiny import tiny_encoder

TEXTS = [words(code, i, 2 + i % 6) for i in range(12) for code in ("en", "ru")]


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny"))


def alone(encoder: str, text: str, pooling: str) -> list[torch.Tensor]:
    """The vectors of one text, of all layers, without padding."""
    bundle = load_encoder(encoder)
    batch = collate([{"input_ids": bundle.tokenizer(text)["input_ids"]}], "retrieval", 1)
    with torch.inference_mode():
        hidden = bundle.model(**batch, output_hidden_states=True).hidden_states
    if pooling == "first":
        return [layer[0, 0] for layer in hidden]
    return [mean_pool(layer, batch["attention_mask"])[0] for layer in hidden]


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_the_encoders_own_vectors(encoder: str, pooling: str, tmp_path: Path) -> None:
    found = SentenceEncoder(encoder, None, pooling).embed(TEXTS, tmp_path / "side")
    assert [vectors.shape for vectors in found] == [(24, 32)] * 3
    for row in (0, 7, 23):
        for layer, vector in enumerate(alone(encoder, TEXTS[row], pooling)):
            np.testing.assert_allclose(found[layer][row], vector, rtol=1e-4, atol=1e-5)
    last = SentenceEncoder(encoder, -1, pooling)
    assert last.layers == SentenceEncoder(encoder, 2, pooling).layers == (2,)
    np.testing.assert_array_equal(last.embed(TEXTS, tmp_path / "last")[0], found[2])


def test_goes_on_after_a_kill_and_not_with_other_texts(
    encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "SHARD_SENTENCES", 5)
    whole = SentenceEncoder(encoder).embed(TEXTS, tmp_path / "whole")[0]
    said: list[int] = []

    def say(number: int) -> None:
        said.append(number)
        if number == 10:
            raise Killed

    with pytest.raises(Killed):
        SentenceEncoder(encoder).embed(TEXTS, tmp_path / "side", say)
    assert json.loads((tmp_path / "side.json").read_text())["done"] == 10
    said.clear()
    found = SentenceEncoder(encoder).embed(TEXTS, tmp_path / "side", said.append)[0]
    assert said == [15, 20, 24]
    assert found.tobytes() == whole.tobytes()
    # Everything is there; with other texts, or another pooling, nothing is.
    for texts, pooling, expected in (
        (TEXTS, "mean", []),
        (TEXTS[::-1], "mean", [5, 10, 15, 20, 24]),
        (TEXTS[::-1], "first", [5, 10, 15, 20, 24]),
        (TEXTS[:7], "first", [5, 7]),
    ):
        said.clear()
        found = SentenceEncoder(encoder, -1, pooling).embed(texts, tmp_path / "side", said.append)
        assert said == expected
        assert len(found[0]) == len(texts)
    assert not np.array_equal(found[0], whole[::-1][:7])


def test_no_texts_and_unknown_layers(encoder: str, tmp_path: Path) -> None:
    (none,) = SentenceEncoder(encoder).embed([], tmp_path / "none")
    assert none.shape == (0, 32)
    assert not list(tmp_path.iterdir())
    for layer in (3, -4):
        with pytest.raises(UserError, match=f"no layer {layer}; the encoder has 0 to 2"):
            SentenceEncoder(encoder, layer)
