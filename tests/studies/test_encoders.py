"""Encoders made from another one: the first layers, or the shape alone."""

from pathlib import Path

import pytest
import torch

from dstilts.core.errors import UserError
from dstilts.models.encoder import load_encoder
from dstilts.studies.encoders import EncoderChoice
from tests.tiny import tiny_encoder


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "modernbert"])
def test_the_first_layers_compute_what_they_did(tmp_path: Path, kind: str) -> None:
    folder = str(tiny_encoder(tmp_path / "encoder", kind))
    cut = load_encoder(EncoderChoice("short", folder, layers=1).location())
    whole = load_encoder(folder)
    assert cut.name == "short"
    assert cut.model.config.num_hidden_layers == 1
    rows = whole.tokenizer("The old teacher reads.", return_tensors="pt")
    with torch.no_grad():
        expected = whole.model(**rows, output_hidden_states=True).hidden_states[1]
        found = cut.model(**rows, output_hidden_states=True).hidden_states[1]
    if kind == "modernbert":  # its last layer is normalised before it is given
        expected = whole.model.final_norm(expected)
        found = cut.model(**rows).last_hidden_state
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_random_one_has_the_shape_but_not_the_weights(tmp_path: Path) -> None:
    folder = str(tiny_encoder(tmp_path / "encoder"))
    made, whole = load_encoder(EncoderChoice("floor", folder, random=True).location()), folder
    state, other = made.model.state_dict(), load_encoder(whole).model.state_dict()
    name = "encoder.layer.1.output.dense.weight"
    assert state[name].shape == other[name].shape
    assert not torch.allclose(state[name], other[name])
    # It is the same one the next time.
    again = load_encoder(EncoderChoice("floor", folder, random=True).location())
    assert again.digest == made.digest


def test_more_layers_than_there_are_is_a_mistake(tmp_path: Path) -> None:
    folder = str(tiny_encoder(tmp_path / "encoder"))
    with pytest.raises(UserError, match="does not have 3 layers"):
        EncoderChoice("long", folder, layers=3).location()


def test_an_encoder_as_it_is_stays_a_name() -> None:
    assert EncoderChoice("default", "default").location() == "default"
