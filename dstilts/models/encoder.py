"""Any Hugging Face encoder of text: from a folder, the hub, or bundled (`default`, `tiny`)."""

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from dstilts.core.digest import file_digest, short_key
from dstilts.core.errors import UserError
from dstilts.core.files import read_json
from dstilts.core.random_numbers import torch_seed
from dstilts.models.shapes import TINY, tiny_encoder_folder

DEFAULT = "default"

# In a folder that was made from an encoder without changing what it computes (its vocabulary was
# trimmed, say): the name of that encoder, under which the copy goes on.
ORIGIN = "origin.json"

# Model types whose whole job is to encode text. A table, because the automatic classes of
# transformers also load decoders, vision and audio models without a word.
_ENCODER_TYPES = frozenset(
    {"albert", "bert", "camembert", "convbert", "deberta", "deberta-v2", "distilbert", "electra"}
    | {"ernie", "eurobert", "flaubert", "modernbert", "mpnet", "nomic_bert", "rembert", "roberta"}
    | {"roberta-prelayernorm", "xlm", "xlm-roberta", "xlm-roberta-xl"}
)
# Encoder-decoder models of which only the encoder is loaded.
_ENCODER_HALF_TYPES = frozenset({"mt5", "t5", "umt5"})

# These count positions from padding_idx + 1, so their position table is that much longer than
# the longest input.
_OFFSET_POSITION_TYPES = frozenset(
    {"camembert", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl"}
)


@dataclass(frozen=True)
class EncoderBundle:
    """An encoder with its tokenizer, in fp32 and evaluation mode as it was loaded."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    name: str  # `default`, a hub name, or the name of a folder
    folder: Path  # where its files are

    @functools.cached_property
    def digest(self) -> str:
        """A key of the content, whatever the folder's name: configuration, weights, tokenizer."""
        files = sorted([*self.folder.glob("*.json"), *self.folder.glob("*.safetensors")])
        skipped = {"manifest.json", "heads.safetensors", "contents.json"}
        return short_key({f.name: file_digest(f) for f in files if f.name not in skipped})

    @property
    def max_length(self) -> int | None:
        """The longest input in tokens, or None where positions are relative."""
        return longest_input(self.model.config)


def load_encoder(name_or_folder: str) -> EncoderBundle:
    """Loads an encoder: `default` or `tiny`, a folder (a published one too), a name on the hub.

    No code that comes with a model is run, and weights are read from safetensors only.

    Raises:
        UserError: there is no such encoder, it is no encoder of text, or its files are broken.
    """
    folder = _find_folder(name_or_folder)
    model, tokenizer = _load_model(folder), _load_tokenizer(folder)
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        raise UserError(
            "the tokenizer has more pieces than the encoder has embeddings", file=folder
        )
    return EncoderBundle(
        model=model, tokenizer=tokenizer, name=_name(name_or_folder, folder), folder=folder
    )


def load_model(name_or_folder: str) -> PreTrainedModel:
    """The model of `load_encoder` alone: a large tokenizer takes more time to load than a model.

    Raises:
        UserError: as `load_encoder`.
    """
    return _load_model(_find_folder(name_or_folder))


def load_tokenizer(name_or_folder: str) -> PreTrainedTokenizerFast:
    """The tokenizer of `load_encoder` alone.

    Raises:
        UserError: as `load_encoder`.
    """
    return _load_tokenizer(_find_folder(name_or_folder))


def untrained(bundle: EncoderBundle, seed: int) -> EncoderBundle:
    """An encoder of the same shape with first weights drawn from `seed`, as its library draws them.

    It goes by another name, and its folder and digest are those of what gave the shape.
    """
    with torch.random.fork_rng():
        torch.manual_seed(torch_seed(seed, "encoder"))
        model = type(bundle.model)(bundle.model.config)
    return dataclasses.replace(bundle, model=model.eval(), name=f"{bundle.name} from scratch")


def _name(given: str, folder: Path) -> str:
    if (folder / ORIGIN).is_file():
        return str(read_json(folder / ORIGIN)["encoder"])
    return folder.name if Path(given).is_dir() else given


def longest_input(config: Any) -> int | None:
    """The longest input in tokens that an encoder of this configuration takes; None: no limit."""
    table = getattr(config, "max_position_embeddings", None)
    if table is None or table <= 0 or config.model_type in _ENCODER_HALF_TYPES:
        return None
    if config.model_type in _OFFSET_POSITION_TYPES:
        return int(table) - int(config.pad_token_id) - 1
    return int(table)


def _find_folder(name: str) -> Path:
    if name == DEFAULT:
        from dstilts.models.default import default_encoder_folder

        return default_encoder_folder()
    if name == TINY:
        return tiny_encoder_folder()
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise UserError("no encoder here: config.json is missing", file=folder)
        return folder
    if folder.exists() or name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise UserError(f"no encoder folder {name!r}", remedy=f"give a folder or {DEFAULT!r}")
    return _download(name)


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.safetensors", "*.model", "*.txt"]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except (OSError, ValueError) as error:
        # The hub's own errors are OSErrors and ValueErrors: unknown name, no network, bad name.
        raise UserError(
            f"no encoder {name!r}: no such folder, and the hub gave {type(error).__name__}",
            remedy=f"give a folder, a name on the hub, or {DEFAULT!r}",
        ) from None


def _load_model(folder: Path) -> PreTrainedModel:
    from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"broken configuration of a model: {error}", file=folder) from None
    _check_encoder(config, folder)
    auto = AutoModelForTextEncoding if config.model_type in _ENCODER_HALF_TYPES else AutoModel
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # what is missing is checked below, in our words
    try:
        model, report = auto.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            output_loading_info=True,
            **_without_pooler(config, auto),
        )
    except Exception as error:
        # safetensors and transformers raise many types for a broken or missing weight file.
        raise UserError(f"the encoder's weights cannot be read: {error}", file=folder) from None
    finally:
        logging.set_verbosity(verbosity)
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise UserError(
            f"{len(missing)} tensors of the encoder are not in its weights, {missing[0]!r} first",
            file=folder,
        )
    return model.eval()


def _check_encoder(config: Any, folder: Path) -> None:
    kind = config.model_type
    is_decoder = bool(getattr(config, "is_decoder", False)) and kind not in _ENCODER_HALF_TYPES
    if kind not in _ENCODER_TYPES | _ENCODER_HALF_TYPES or is_decoder:
        raise UserError(
            f"a model of type {kind!r}{' (a decoder)' if is_decoder else ''} is no encoder of text",
            file=folder,
            remedy="give an encoder: XLM-R, BERT, RemBERT, mDeBERTa, ModernBERT, mT5, ...",
        )


def _without_pooler(config: Any, auto: Any) -> dict[str, bool]:
    """Our heads read the last layer: a pooler would be random, unused weights."""
    import inspect

    try:
        model_class = auto._model_mapping[type(config)]
    except KeyError:
        return {}
    takes = inspect.signature(model_class.__init__).parameters
    return {"add_pooling_layer": False} if "add_pooling_layer" in takes else {}


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:
        # tokenizers raises bare Exceptions for broken files.
        raise UserError(f"the encoder's tokenizer cannot be read: {error}", file=folder) from None
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise UserError("the encoder has no fast tokenizer (tokenizer.json)", file=folder)
    if tokenizer.pad_token_id is None:
        raise UserError("the encoder's tokenizer has no padding token", file=folder)
    return tokenizer
