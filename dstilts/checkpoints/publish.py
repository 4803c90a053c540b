"""Published models: a Hugging Face folder with the heads and a manifest beside the encoder."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from dstilts.checkpoints.manifest import (
    MANIFEST_FILE,
    Manifest,
    read_manifest,
    write_manifest,
)
from dstilts.core.digest import file_digest
from dstilts.core.errors import UserError
from dstilts.core.files import atomic_folder
from dstilts.models.encoder import load_encoder, load_model
from dstilts.models.multitask import MultiTaskModel

CONFIG_FILE = "config.json"
ENCODER_FILE = "model.safetensors"
HEADS_FILE = "heads.safetensors"


@dataclass(frozen=True)
class Published:
    """A published model as it was loaded: fp32, evaluation mode, on the CPU."""

    encoder: PreTrainedModel
    head_state: dict[str, Tensor]  # "<head>.<parameter>"
    tokenizer: PreTrainedTokenizerFast
    manifest: Manifest

    def model(self) -> MultiTaskModel:
        """The encoder with the trained heads, ready to predict."""
        return _with_heads(self.encoder, self.head_state, self.manifest)


def publish(
    folder: Path,
    encoder_state: Mapping[str, Tensor],
    head_state: Mapping[str, Tensor],
    encoder_config: Any,
    tokenizer: PreTrainedTokenizerFast,
    manifest: Manifest,
) -> Manifest:
    """Writes a published folder, whole or not at all; returns the manifest with the file hashes.

    `AutoModel.from_pretrained(folder)` reads the encoder (`AutoModelForTextEncoding` where the
    encoder is one half of a model, as mT5's).

    Args:
        encoder_state: the encoder's parameters and buffers without shared ones twice.
        head_state: the heads' parameters as "<head>.<parameter>".

    Raises:
        UserError: `folder` exists already.
    """
    if folder.exists():
        raise UserError(
            "exists already", file=folder, remedy="remove it or choose another output folder"
        )
    with atomic_folder(folder) as temporary:
        encoder_config.save_pretrained(temporary)
        _save_tokenizer(tokenizer, temporary)
        _save_tensors(encoder_state, temporary / ENCODER_FILE)
        _save_tensors(head_state, temporary / HEADS_FILE)
        files = {f.name: file_digest(f) for f in sorted(temporary.iterdir())}
        manifest = dataclasses.replace(manifest, files=files)
        write_manifest(temporary, manifest)
    return manifest


def _save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Saves a tokenizer without what its use left in it: the same model gives the same bytes."""
    tokenizer.backend_tokenizer.no_truncation()  # of the last call
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.init_kwargs.pop("local_files_only", None)  # whether there was a network
    tokenizer.save_pretrained(folder)


def is_published(folder: Path) -> bool:
    """Whether a whole published model stands in `folder`: the manifest is written last."""
    return (folder / MANIFEST_FILE).is_file()


def load_published(folder: Path) -> Published:
    """Loads a published model after checking every file against its hash.

    Raises:
        UserError: no published model is here, or a file is missing or differs from its hash.
    """
    manifest = read_manifest(folder)
    verify_files(folder, manifest.files)
    bundle = load_encoder(str(folder))
    return Published(bundle.model, _load_heads(folder), bundle.tokenizer, manifest)


def load_published_model(folder: Path) -> MultiTaskModel:
    """The model of `load_published` without its tokenizer, checked the same way.

    Raises:
        UserError: as `load_published`.
    """
    manifest = read_manifest(folder)
    verify_files(folder, manifest.files)
    return _with_heads(load_model(str(folder)), _load_heads(folder), manifest)


def _load_heads(folder: Path) -> dict[str, Tensor]:
    try:
        return load_file(folder / HEADS_FILE)
    except (SafetensorError, OSError) as error:
        raise UserError(f"the heads cannot be read: {error}", file=folder / HEADS_FILE) from None


def _with_heads(
    encoder: PreTrainedModel, head_state: Mapping[str, Tensor], manifest: Manifest
) -> MultiTaskModel:
    model = MultiTaskModel(encoder, manifest.heads)
    model.bank.heads.load_state_dict(head_state)
    return model.eval()


def verify_files(folder: Path, files: Mapping[str, str]) -> None:
    """Compares files with their hashes.

    Raises:
        UserError: one is missing or differs.
    """
    for name, expected in files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise UserError(f"the published model lacks {name!r}", file=folder)
        if file_digest(path) != expected:
            raise UserError(
                "differs from the hash in the manifest", file=path, remedy="publish the model again"
            )


def _save_tensors(state: Mapping[str, Tensor], path: Path) -> None:
    # Contiguous tensors, as safetensors wants; the format entry is what transformers looks for.
    plain = {
        name: tensor.detach().to("cpu", copy=False).contiguous() for name, tensor in state.items()
    }
    save_file(plain, path, metadata={"format": "pt"})
    # safetensors makes files private; a published one follows the user's umask like its neighbours.
    path.chmod((path.parent / CONFIG_FILE).stat().st_mode)
