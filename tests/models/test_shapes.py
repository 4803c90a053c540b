"""Encoders of a stated shape: what XLM-R has, and a folder that everything else can load."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.models import shapes
from dstilts.models.encoder import load_encoder
from tests.tiny import tiny_encoder


def test_a_folder_like_any_encoders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = tiny_encoder(tmp_path / "encoder")
    monkeypatch.setitem(shapes.SHAPES, "base", (1, 16, 2, 32))
    shapes.write_encoder(tmp_path / "base", "base", str(encoder), seed=1)
    bundle = load_encoder(str(tmp_path / "base"))
    assert bundle.max_length == 512
    assert bundle.model.get_input_embeddings().weight.shape == (250_002, 16)
    assert bundle.tokenizer.get_vocab() == load_encoder(str(encoder)).tokenizer.get_vocab()


def test_large_has_the_weights_of_xlm_r_large() -> None:
    layers, hidden, _, wide = shapes.SHAPES["large"]
    norms, biases = 4 * hidden, 4 * hidden + wide + hidden
    layer = 4 * hidden**2 + 2 * hidden * wide + norms + biases
    embeddings = (250_002 + 514 + 1) * hidden + 2 * hidden
    assert layers * layer + embeddings == 558_840_832  # without the pooler


def test_an_unknown_shape(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'large'"):
        shapes.write_encoder(tmp_path / "x", "larg", "default", seed=1)
