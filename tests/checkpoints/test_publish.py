"""Published folders: what goes in comes out, and what is broken is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForTextEncoding

from dstilts.checkpoints.manifest import Manifest, PhaseRecord
from dstilts.checkpoints.publish import (
    is_published,
    load_published,
    load_published_model,
    publish,
)
from dstilts.core.errors import UserError
from dstilts.models.encoder import load_encoder
from dstilts.models.heads import HeadSpec
from dstilts.models.multitask import MultiTaskModel
from dstilts.tasks.tokenizer import tokenizer_digest
from tests.tiny import tiny_encoder

HEADS = {"nli": HeadSpec("pair", ("a", "b")), "span": HeadSpec("span")}
BATCH = {
    "head": "nli",
    "input_ids": torch.tensor([[0, 5, 6, 2], [0, 7, 2, 1]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
    "label": torch.tensor([0, 1]),
}


def published(folder: Path, kind: str = "xlm-roberta") -> MultiTaskModel:
    """Publishes an untrained model; returns the model."""
    bundle = load_encoder(str(tiny_encoder(folder.parent / "encoder", kind)))
    model = MultiTaskModel(bundle.model, HEADS, seed=1)
    publish(
        folder,
        dict(model.encoder.named_parameters()),
        dict(model.bank.heads.named_parameters()),
        bundle.model.config,
        bundle.tokenizer,
        Manifest("k1", "nli", "tiny", (PhaseRecord("nli", "intermediate", ("mnli",), 1),), HEADS),
    )
    return model.eval()


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "mt5", "modernbert"])
def test_comes_back_as_it_was(tmp_path: Path, kind: str) -> None:
    model = published(tmp_path / "out", kind)
    assert is_published(tmp_path / "out")
    loaded = load_published(tmp_path / "out")
    assert torch.equal(loaded.model().predict(BATCH), model.predict(BATCH))
    alone = load_published_model(tmp_path / "out")
    assert torch.equal(alone.predict(BATCH), model.predict(BATCH))
    tokenizer = load_encoder(str(tmp_path / "encoder")).tokenizer
    assert tokenizer_digest(loaded.tokenizer) == tokenizer_digest(tokenizer)
    assert set(loaded.manifest.files) >= {"config.json", "model.safetensors", "heads.safetensors"}


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "mt5", "modernbert"])
def test_transformers_reads_it(tmp_path: Path, kind: str) -> None:
    model = published(tmp_path / "out", kind)
    auto = AutoModelForTextEncoding if kind == "mt5" else AutoModel
    read = auto.from_pretrained(tmp_path / "out").eval()
    inputs = {name: BATCH[name] for name in ("input_ids", "attention_mask")}
    assert torch.equal(read(**inputs).last_hidden_state, model.encode(BATCH))


def test_names_no_place_of_this_machine(tmp_path: Path) -> None:
    published(tmp_path / "out")
    for file in (tmp_path / "out").glob("*.json"):
        assert str(tmp_path) not in file.read_text()


def test_what_was_tokenised_before_changes_no_byte(tmp_path: Path) -> None:
    published(tmp_path / "fresh")
    bundle = load_encoder(str(tmp_path / "encoder"))
    bundle.tokenizer(["a", "b c d"], truncation=True, max_length=3, padding=True)
    bundle.tokenizer.init_kwargs["local_files_only"] = False  # as where there is a network
    manifest = load_published(tmp_path / "fresh").manifest
    again = publish(tmp_path / "again", {}, {}, bundle.model.config, bundle.tokenizer, manifest)
    names = [name for name in manifest.files if name.startswith("tokenizer")]
    assert "tokenizer.json" in names
    assert all(again.files[name] == manifest.files[name] for name in names)


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match="exists already"):
        published(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_nothing_is_left_of_a_publishing_that_failed(tmp_path: Path) -> None:
    bundle = load_encoder(str(tiny_encoder(tmp_path / "encoder")))
    with pytest.raises(AttributeError):
        publish(tmp_path / "out", {"w": None}, {}, bundle.model.config, bundle.tokenizer, None)
    assert [path.name for path in tmp_path.iterdir()] == ["encoder"]


@pytest.mark.parametrize("load", [load_published, load_published_model])
@pytest.mark.parametrize("name", ["model.safetensors", "heads.safetensors", "tokenizer.json"])
def test_a_changed_or_missing_file_is_found(
    tmp_path: Path, name: str, load: Callable[[Path], object]
) -> None:
    published(tmp_path / "out")
    file = tmp_path / "out" / name
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match="differs from the hash"):
        load(tmp_path / "out")
    file.unlink()
    with pytest.raises(UserError, match="lacks"):
        load(tmp_path / "out")


def test_files_are_readable_by_others(tmp_path: Path) -> None:
    published(tmp_path / "out")
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "out").iterdir()}
    assert len(modes) == 1


def test_a_copy_is_as_good(tmp_path: Path) -> None:
    published(tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "copy")
    shutil.rmtree(tmp_path / "out")
    assert load_published(tmp_path / "copy").manifest.key == "k1"
