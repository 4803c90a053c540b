"""Encoders to compare with: names and folders, or made from another one without a network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstilts.core.built_once import built_once
from dstilts.core.cache import cache_folder
from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.core.random_numbers import torch_seed
from dstilts.studies.settings import require

MADE_VERSION = 1  # part of a made encoder's folder name: raised when what is made changes


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder of a comparison."""

    name: str  # as tables call it
    encoder: str  # `default`, a folder, or a name on the hub
    layers: int | None = None  # only the first ones of that encoder
    random: bool = False  # its shape and tokenizer, but no pretraining: what a floor looks like

    def __post_init__(self) -> None:
        require(self.layers is None or self.layers > 0, "layers must be greater than 0")

    def location(self) -> str:
        """What `load_encoder` takes; a made encoder is made now, if not before.

        Raises:
            UserError: no such encoder, or one that cannot be cut.
        """
        if self.layers is None and not self.random:
            return self.encoder
        from dstilts.models.encoder import load_encoder

        bundle = load_encoder(self.encoder)
        key = short_key([bundle.digest, self.name, self.layers, self.random, MADE_VERSION])
        # A folder goes by its name in records: the readable part comes first.
        folder = cache_folder("encoders", f"made-{key}", self.name)
        return str(built_once(folder, lambda target: _make(self, bundle, target)))


def _cut(config: Any, choice: EncoderChoice) -> Any:
    """The configuration with fewer layers, and as many entries in lists that have one a layer."""
    before, layers = getattr(config, "num_hidden_layers", 0), choice.layers
    assert layers is not None
    if layers > before:
        raise UserError(f"{choice.encoder!r} does not have {layers} layers to be cut to")
    table = {
        name: value[:layers] if isinstance(value, list) and len(value) == before else value
        for name, value in config.to_dict().items()
    }
    return type(config).from_dict({**table, "num_hidden_layers": layers})


def _make(choice: EncoderChoice, bundle: Any, folder: Path) -> None:
    """Writes a model of the same class with the first layers, pretrained or not, as a folder."""
    import torch

    config = bundle.model.config
    if choice.layers is not None:
        config = _cut(config, choice)
    with torch.random.fork_rng():
        torch.manual_seed(torch_seed(1, "made encoder"))
        model = type(bundle.model)(config)
    if not choice.random:
        found = model.load_state_dict(bundle.model.state_dict(), strict=False)
        if missing := [name for name in found.missing_keys if not name.startswith("pooler.")]:
            raise UserError(f"{choice.encoder!r} cannot be cut to some layers: no {missing[0]!r}")
    model.save_pretrained(folder)
    bundle.tokenizer.save_pretrained(folder)
