"""Sentences to vectors in files: any encoder, one layer or all of one forward, resumable.

Shapes: N sentences, D dimensions, L layers.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from dstilts.core.digest import short_key, stream_digest
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, sync, write_json
from dstilts.models.collate import collate
from dstilts.models.encoder import EncoderBundle, load_encoder
from dstilts.models.pooling import pooled_layers
from dstilts.sampling.batches import micro_batches
from dstilts.tasks.encode_options import EncodeOptions
from dstilts.tasks.encode_text import encode_sentences
from dstilts.tasks.examples import SentenceExample

EMBEDDING_VERSION = 1  # part of the key of unfinished files: raised when vectors change
SHARD_SENTENCES = 1024  # encoded between two writings of the state

Vectors = npt.NDArray[np.float32]


class Together(Protocol):
    """Encodes several shards of sentences at a time."""

    @property
    def size(self) -> int:
        """How many at most."""
        ...

    def encode(self, shards: Sequence[Sequence[str]]) -> list[list[Vectors]]:
        """The vectors of each shard, of all layers."""
        ...


class SentenceEncoder:
    """An encoder with the layers and the pooling that sentence vectors are made with.

    Args:
        name: what `load_encoder` takes: `default`, a folder (a published one too), a hub name.
        layer: 0 the embeddings, -1 the last layer; None: all.
        tokens: of a micro-batch, padding included.

    Raises:
        UserError: there is no such encoder or layer.
    """

    def __init__(
        self, name: str, layer: int | None = -1, pooling: str = "mean", tokens: int = 4096
    ) -> None:
        bundle = load_encoder(name)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = bundle.model.to(self._device)
        self._tokenizer = bundle.tokenizer
        longest = min(EncodeOptions.max_length, bundle.max_length or EncodeOptions.max_length)
        self._options = EncodeOptions(max_length=longest)
        self._pooling = pooling
        self._tokens = tokens
        self.layers = _layers(bundle, layer)
        self.key = short_key(
            [EMBEDDING_VERSION, bundle.digest, self.layers, pooling, longest, tokens]
        )
        self.size = int(self.encode(["."])[0].shape[1])

    def encode(self, texts: Sequence[str]) -> list[Vectors]:
        """The vectors (N, D) of each layer; of one sentence or more."""
        examples = [SentenceExample("", text, "source", ()) for text in texts]
        columns = encode_sentences(examples, self._tokenizer, self._options)
        lengths = np.array(columns.pop("length"), dtype=np.int64)
        names = tuple(columns)
        found: list[Vectors] = []
        for rows in micro_batches(lengths, self._tokens):
            batch = [{name: columns[name][row] for name in names} for row in rows]
            pad_id = int(self._tokenizer.pad_token_id)
            padded = collate(batch, "retrieval", pad_id)
            inputs = {name: tensor.to(self._device) for name, tensor in padded.items()}
            pooled = pooled_layers(self._model, inputs, self.layers, self._pooling)
            found = found or [np.empty((len(texts), p.shape[1]), np.float32) for p in pooled]
            for vectors, part in zip(found, pooled, strict=True):
                vectors[rows] = part.cpu().numpy()  # a host-device sync
        return found

    def embed(
        self,
        texts: Sequence[str],
        stem: Path,
        say: Callable[[int], None] = lambda number: None,
        together: Together | None = None,
    ) -> list[npt.NDArray[Any]]:
        """The vectors (N, D) of each layer, mapped from `<stem>.<layer>.npy`.

        What stands in `<stem>.json` as done by an earlier call with the same texts and encoder is
        not done again; a call that is killed leaves both to the next one, which ends with the same
        bytes.

        Args:
            say: told how many sentences are done.
            together: encodes several shards at a time; the bytes are the same without.
        """
        state = stem.with_name(f"{stem.name}.json")
        files = [stem.with_name(f"{stem.name}.{layer}.npy") for layer in self.layers]
        key = short_key([self.key, SHARD_SENTENCES, stream_digest(texts)])
        done = _done(state, key, files)
        mode = "r+" if done is not None else "w+"
        shape = None if done is not None else (len(texts), self.size)
        if not texts:
            return [np.empty((0, self.size), np.float32) for _ in files]
        stem.parent.mkdir(parents=True, exist_ok=True)
        matrices = [
            np.lib.format.open_memmap(file, mode, dtype=np.float32, shape=shape) for file in files
        ]
        shards = [
            texts[first : first + SHARD_SENTENCES]
            for first in range(done or 0, len(texts), SHARD_SENTENCES)
        ]
        first, at_once = done or 0, together.size if together else 1
        for number in range(0, len(shards), at_once):
            now = shards[number : number + at_once]
            found = together.encode(now) if together else [self.encode(now[0])]
            for shard in found:
                for matrix, vectors in zip(matrices, shard, strict=True):
                    matrix[first : first + len(vectors)] = vectors
                first += len(shard[0])
            for matrix, file in zip(matrices, files, strict=True):
                matrix.flush()
                sync(file)  # the state must not be ahead of what it tells of
            write_json(state, {"key": key, "done": first})
            say(first)
        return list(matrices)


def _layers(bundle: EncoderBundle, layer: int | None) -> tuple[int, ...]:
    """The layers as numbers from 0."""
    probe: Any = bundle.model
    ids = torch.tensor([[bundle.tokenizer.pad_token_id]], device=probe.device)
    with torch.inference_mode():
        hidden = probe(input_ids=ids, output_hidden_states=True).hidden_states
    number = len(hidden)
    if layer is None:
        return tuple(range(number))
    if not -number <= layer < number:
        raise UserError(f"no layer {layer}", remedy=f"the encoder has 0 to {number - 1}")
    return (layer % number,)


def _done(state: Path, key: str, files: Sequence[Path]) -> int | None:
    """How many sentences an earlier call has done; None: none, nor has it made the files."""
    if not state.is_file() or not all(file.is_file() for file in files):
        return None
    try:
        found = read_json(state)
    except UserError:
        return None  # no file of ours: it is written whole or not at all
    return int(found["done"]) if found.get("key") == key else None
