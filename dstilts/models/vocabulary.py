"""An encoder's vocabulary cut down to the pieces that given texts use.

The word embedding of a multilingual encoder is most of its parameters, and a small run pays for
every row: in gradients, clipping, optimizer state and checkpoints.
"""

import itertools
import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dstilts.core.built_once import built_once
from dstilts.core.cache import cache_folder
from dstilts.core.digest import file_digest, short_key
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.models.encoder import ORIGIN
from dstilts.models.unigram_tokenizer import save_tokenizer

VOCABULARY_MAP = "vocabulary_map.npy"  # int32, [new id] -> old id
TRIMMING_VERSION = 2  # part of the folder's name: raise it when what is written changes
TEXTS_AT_A_TIME = 4096
BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")
# Modules whose parameters have a row for every piece: a size alone might be a coincidence.
PIECE_TABLES = re.compile(
    r"\b(word_embeddings|tok_embeddings|embed_tokens|shared|lm_head|predictions)\b"
)


def trim_vocabulary(folder: Path, texts: Iterable[str], name: str | None = None) -> Path:
    """A cached encoder folder like `folder` that knows the pieces of `texts`: see `trim_to`."""
    tokenizer = _load_tokenizer(folder)
    return _trim(folder, tokenizer, pieces_used(tokenizer, texts), name)


def trim_to(folder: Path, pieces: Collection[int], name: str | None = None) -> Path:
    """A cached encoder folder with the embedding rows of `pieces` and few others, in old order.

    Kept besides: special tokens, all pieces of a single character, byte pieces, and the piece of
    the lowest score, from which the score of the unknown piece is derived. So texts made of
    `pieces` are segmented as before, with the same hidden states, and every other text is still
    segmented, more finely. `vocabulary_map.npy` has the old id of every new one.

    Args:
        folder: a Hugging Face encoder folder with a fast Unigram tokenizer and model.safetensors.
        pieces: old ids, as from `pieces_used`; their order does not matter.
        name: of the encoder, under which the trimmed one goes on; without it the folder's.

    Raises:
        UserError: the folder's tokenizer is not a Unigram one, or its weights are not in one
            model.safetensors or not understood.
    """
    return _trim(folder, _load_tokenizer(folder), pieces, name)


def pieces_used(tokenizer: Any, texts: Iterable[str]) -> set[int]:
    """The ids of the pieces into which a fast `tokenizer` cuts `texts`; reads them as a stream.

    Without special tokens and without truncation. Sets of several streams may be united.
    """
    backend = tokenizer.backend_tokenizer
    # What an earlier call asked for would stay in force; the wrapper sets it anew at every call.
    backend.no_truncation()
    backend.no_padding()
    used = np.zeros(len(tokenizer), dtype=bool)
    stream = iter(texts)
    while batch := list(itertools.islice(stream, TEXTS_AT_A_TIME)):
        for encoding in backend.encode_batch_fast(batch, add_special_tokens=False):
            used[encoding.ids] = True
    return set(np.flatnonzero(used).tolist())


def _trim(folder: Path, tokenizer: Any, pieces: Collection[int], name: str | None) -> Path:
    pipeline = _unigram_pipeline(folder, tokenizer)
    config = read_json(folder / "config.json")
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UserError("no model.safetensors in one piece", file=folder)
    kept = _kept_ids(pipeline, config, pieces)
    origin = {"encoder": name or folder.name, "pieces": len(kept), "of": config["vocab_size"]}

    def build(target: Path) -> None:
        write_json(target / ORIGIN, origin)
        np.save(target / VOCABULARY_MAP, kept)
        write_json(target / "config.json", _renumbered_config(config, kept))
        trimmed = json.dumps(_renumbered_pipeline(pipeline, kept), ensure_ascii=False)
        save_tokenizer(target, trimmed, tokenizer.special_tokens_map, tokenizer.model_max_length)
        _trim_weights(weights, target / weights.name, config["vocab_size"], kept)

    source = [file_digest(weights), json.dumps(pipeline), json.dumps(config)]
    key = short_key([*source, kept.tolist(), origin, TRIMMING_VERSION])
    return built_once(cache_folder("encoders", f"trimmed-{key}"), build)


def _load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise UserError(f"no tokenizer: {error}", file=folder) from None


def _unigram_pipeline(folder: Path, tokenizer: Any) -> dict[str, Any]:
    """The content of tokenizer.json, as loaded: some classes rebuild what the file says."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UserError("only a fast tokenizer can be trimmed", file=folder)
    pipeline: dict[str, Any] = json.loads(backend.to_str())
    pipeline.update(truncation=None, padding=None)
    kinds = [pipeline[part] and pipeline[part]["type"] for part in ("model", "post_processor")]
    if kinds not in (["Unigram", "TemplateProcessing"], ["Unigram", None]):
        raise UserError(
            f"a {kinds[0]} vocabulary with {kinds[1]} cannot be trimmed, only Unigram ones",
            file=folder,
            remedy="use this encoder untrimmed",
        )
    return pipeline


def _kept_ids(
    pipeline: dict[str, Any], config: dict[str, Any], pieces: Collection[int]
) -> npt.NDArray[np.int32]:
    """Ascending old ids of all that stays."""
    scored = pipeline["model"]["vocab"]
    lowest = min(range(len(scored)), key=lambda i: scored[i][1])
    kept = {pipeline["model"]["unk_id"], lowest, *pieces}
    kept.update(token["id"] for token in pipeline["added_tokens"])
    kept.update(value for key, value in config.items() if _is_token_id(key, value))
    kept.update(
        i for i, (text, _) in enumerate(scored) if len(text) == 1 or BYTE_PIECE.fullmatch(text)
    )
    return np.array(sorted(kept), dtype=np.int32)


def _is_token_id(key: str, value: object) -> bool:
    return key.endswith("_token_id") and isinstance(value, int)


def _renumbered_config(config: dict[str, Any], kept: npt.NDArray[np.int32]) -> dict[str, Any]:
    new_id = _new_ids(kept)
    renumbered = {
        key: new_id[value] if _is_token_id(key, value) else value for key, value in config.items()
    }
    return {**renumbered, "vocab_size": len(kept)}


def _renumbered_pipeline(pipeline: dict[str, Any], kept: npt.NDArray[np.int32]) -> dict[str, Any]:
    new_id = _new_ids(kept)
    model = pipeline["model"]
    # Tokens added after the vocabulary (T5's sentinels) have ids past its end: they stay last.
    vocabulary = [model["vocab"][i] for i in kept.tolist() if i < len(model["vocab"])]
    added = [{**token, "id": new_id[token["id"]]} for token in pipeline["added_tokens"]]
    processor = pipeline["post_processor"]
    if processor is not None:
        special = {
            name: {**token, "ids": [new_id[i] for i in token["ids"]]}
            for name, token in processor["special_tokens"].items()
        }
        processor = {**processor, "special_tokens": special}
    return {
        **pipeline,
        "added_tokens": added,
        "post_processor": processor,
        "model": {**model, "vocab": vocabulary, "unk_id": new_id[model["unk_id"]]},
    }


def _new_ids(kept: npt.NDArray[np.int32]) -> dict[int, int]:
    return {old: new for new, old in enumerate(kept.tolist())}


def _trim_weights(
    source: Path, target: Path, vocabulary_size: int, kept: npt.NDArray[np.int32]
) -> None:
    """Copies a safetensors file with the `kept` rows of every table that has one row a piece."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    rows = torch.from_numpy(kept.astype(np.int64))
    tensors = {}
    num_tables = 0
    with safe_open(source, framework="pt") as weights:
        for name in weights.keys():  # noqa: SIM118 (not a mapping)
            tensor = weights.get_tensor(name)
            if tensor.shape[:1] == (vocabulary_size,) and PIECE_TABLES.search(name):
                tensor = tensor[rows]
                num_tables += 1
            tensors[name] = tensor
    if num_tables == 0:
        raise UserError(f"found no embedding of {vocabulary_size} rows", file=source)
    save_file(tensors, target, metadata={"format": "pt"})
    # safetensors makes its file private; a cache may be shared.
    target.chmod(target.with_name("config.json").stat().st_mode)
