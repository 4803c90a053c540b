"""Loading encoders: what is one, what is none, and what a broken folder says."""

from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, GPT2Model, ViTConfig, ViTModel

from dstilts.core.errors import UserError
from dstilts.models.encoder import load_encoder
from tests.tiny import tiny_encoder


@pytest.mark.parametrize(
    ("kind", "class_name", "longest"),
    [
        ("xlm-roberta", "XLMRobertaModel", 128),  # 130 positions, counted from 2
        ("bert", "BertModel", 128),
        ("mt5", "MT5EncoderModel", None),
        ("modernbert", "ModernBertModel", 128),
    ],
)
def test_kinds_of_encoders(tmp_path: Path, kind: str, class_name: str, longest: int | None) -> None:
    bundle = load_encoder(str(tiny_encoder(tmp_path / kind, kind)))
    assert type(bundle.model).__name__ == class_name
    assert (bundle.name, bundle.max_length) == (kind, longest)
    assert not bundle.model.training
    assert not any("pooler" in name for name, _ in bundle.model.named_parameters())
    # The longest row the bundle promises must go through.
    row = torch.full((1, longest or 200), 5)
    hidden = bundle.model(input_ids=row, attention_mask=torch.ones_like(row)).last_hidden_state
    assert hidden.shape == (1, longest or 200, 32)


def test_digest_is_of_the_content(tmp_path: Path) -> None:
    one = load_encoder(str(tiny_encoder(tmp_path / "one"))).digest
    assert load_encoder(str(tiny_encoder(tmp_path / "two"))).digest == one
    assert load_encoder(str(tiny_encoder(tmp_path / "three", seed=1))).digest != one


@pytest.mark.parametrize("kind", ["gpt2", "vit", "bert-decoder"])
def test_what_is_no_encoder_of_text(tmp_path: Path, kind: str) -> None:
    tiny_encoder(tmp_path, "bert")
    if kind == "gpt2":
        GPT2Model(GPT2Config(n_layer=1, n_head=2, n_embd=8)).save_pretrained(tmp_path)
    elif kind == "vit":
        ViTModel(ViTConfig(num_hidden_layers=1, hidden_size=12)).save_pretrained(tmp_path)
    else:
        config = tmp_path / "config.json"
        text = config.read_text()
        config.write_text(text.replace('"is_decoder": false', '"is_decoder": true'))
    with pytest.raises(UserError, match="no encoder of text"):
        load_encoder(str(tmp_path))


def test_folder_without_configuration(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json is missing"):
        load_encoder(str(tmp_path))


def test_unknown_names() -> None:
    with pytest.raises(UserError, match="no encoder folder"):
        load_encoder("runs/models/none")
    with pytest.raises(UserError, match="no encoder 'nobody/nothing'"):
        load_encoder("nobody/nothing")


def test_weights_cut_off(tmp_path: Path) -> None:
    tiny_encoder(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UserError, match="weights cannot be read"):
        load_encoder(str(tmp_path))


def test_weights_of_another_encoder(tmp_path: Path) -> None:
    tiny_encoder(tmp_path / "bert", "bert")
    tiny_encoder(tmp_path / "xlmr")
    (tmp_path / "xlmr" / "model.safetensors").rename(tmp_path / "xlmr" / "old")
    from safetensors.torch import load_file, save_file

    state = load_file(tmp_path / "xlmr" / "old")
    del state["encoder.layer.1.output.dense.weight"]
    save_file(state, tmp_path / "xlmr" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="1 tensors of the encoder are not in its weights"):
        load_encoder(str(tmp_path / "xlmr"))


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    tiny_encoder(tmp_path)
    from safetensors.torch import load_file

    torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(UserError, match="weights cannot be read"):
        load_encoder(str(tmp_path))


def test_broken_tokenizer(tmp_path: Path) -> None:
    tiny_encoder(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"')
    with pytest.raises(UserError, match="tokenizer cannot be read"):
        load_encoder(str(tmp_path))
