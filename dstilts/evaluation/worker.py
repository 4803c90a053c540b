"""What a worker does: loads a model once, runs the micro-batches of a shard, keeps the outputs."""

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dstilts.checkpoints.publish import load_published_model
from dstilts.core.errors import UserError
from dstilts.core.random_numbers import stream
from dstilts.evaluation.outputs import Arrays, Columns, outputs
from dstilts.evaluation.shard_file import ShardOutputs, Timing, is_whole, write_shard
from dstilts.evaluation.shards import Shard, TableRef, Units
from dstilts.models.collate import collate
from dstilts.models.encoder import load_model, load_tokenizer
from dstilts.models.masking import Masking
from dstilts.models.multitask import Batch, MultiTaskModel
from dstilts.models.packing import enable_packing, pack, supports_packing
from dstilts.models.pooling import pooled_layers
from dstilts.models.quantise import quantise

_ENCODER_COLUMNS = ("input_ids", "token_type_ids")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "pair": ("input_ids", "token_type_ids"),
    "choice": ("choice_input_ids", "choice_token_type_ids"),
    "span": ("input_ids", "token_type_ids", "context_start", "char_starts", "char_ends"),
    "tagging": ("input_ids", "token_type_ids", "word_index"),
    "retrieval": ("input_ids", "token_type_ids"),
    "mlm": ("input_ids", "token_type_ids", "num_masked"),
}


@dataclass(frozen=True)
class _Loaded:
    model: MultiTaskModel
    location: str
    pad_id: int
    device: torch.device

    @functools.cached_property
    def masking(self) -> Masking:
        """What masked texts alone need a tokenizer for."""
        return Masking.of(load_tokenizer(self.location))


_number = 0  # of this worker on its node: which of the node's GPUs it takes
_kept: tuple[tuple[str, str, str], _Loaded] | None = None  # the last model, and what it is


def start(threads: int, number: int) -> None:
    """Sets this process up as a worker: its share of the cores, and its number on the node."""
    global _number
    torch.set_num_threads(threads)
    _number = number


def num_threads() -> int:
    """Of the products of this process."""
    return torch.get_num_threads()


def run_shard(shard: Shard) -> int:
    """Runs a shard and writes its file whole; returns how many units it had.

    The file (safetensors) has for each table `<table>.row` and `<table>.choice`, which tell the
    units, and what `outputs` keeps of them; for sentences `<table>.vector`, fp32 (B, D), or of all
    layers (B, L, D); for masked texts see `_masked`.

    Raises:
        UserError: the model or a token table cannot be loaded.
    """
    num_units = sum(map(len, shard.batches))
    if is_whole(shard):
        return num_units  # another evaluation at work on the same folder was first
    loaded = _load(shard)
    tables = [_open(table.file, table.kind) for table in shard.tables]
    parts: dict[int, list[Arrays]] = {}
    timings = []
    for units, length in zip(shard.batches, shard.lengths, strict=True):
        begun = time.perf_counter()
        for table, arrays in _run(units, shard, tables, loaded).items():
            parts.setdefault(table, []).append(arrays)
        timings.append(Timing(len(units), length, time.perf_counter() - begun))
    kept = {
        table: {name: np.concatenate([part[name] for part in found]) for name in found[0]}
        for table, found in parts.items()
    }
    write_shard(shard, ShardOutputs(kept, tuple(timings), num_threads()))
    return num_units


@torch.inference_mode()
def _run(units: Units, shard: Shard, tables: Sequence[Any], loaded: _Loaded) -> dict[int, Arrays]:
    """The outputs of one micro-batch, by table."""
    groups = {int(t): np.flatnonzero(units[:, 0] == t) for t in np.unique(units[:, 0])}
    columns = {t: tables[t][units[where, 1]] for t, where in groups.items()}
    rows: list[dict[str, Any]] = [{}] * len(units)
    for t, where in groups.items():
        for index, position in enumerate(where):
            rows[position] = _sequence(columns[t], index, int(units[position, 2]))
    table = shard.tables[next(iter(groups))]  # all of a micro-batch are of one stream
    if table.kind == "mlm":
        assert table.head is not None
        arrays = _masked(rows, units, table.head, loaded)
        return {
            t: {"row": units[where, 1], "choice": units[where, 2]}
            | {name: array[where] for name, array in arrays.items()}
            for t, where in groups.items()
        }
    padded = collate(rows, "retrieval", loaded.pad_id)
    if table.kind == "retrieval":
        batch = {name: tensor.to(loaded.device) for name, tensor in padded.items()}
        # First tokens are trained as vectors, so they are always the last layer's.
        layer = shard.layer if table.pooling == "mean" else -1
        layers = None if layer == "all" else (layer,)
        pooled = pooled_layers(loaded.model.encoder, batch, layers, table.pooling)
        encoded = torch.stack(pooled, dim=1) if layers is None else pooled[0]
    else:
        encoded = loaded.model.encode(_packed(padded, [shard.tables[t] for t in groups], loaded))
    found: dict[int, Arrays] = {}
    for t, where in groups.items():
        part = encoded[torch.from_numpy(where).to(loaded.device)]
        kept = _outputs_of(part, shard.tables[t], columns[t], loaded.model)
        found[t] = {"row": units[where, 1], "choice": units[where, 2], **kept}
    return found


def _packed(padded: dict[str, Tensor], tables: Sequence[TableRef], loaded: _Loaded) -> Batch:
    """On the model's device, without padding where the encoder takes that.

    Where all heads read first tokens alone, one of them is named, so that no others are computed.
    """
    encoder = loaded.model.encoder
    batch = pack(padded, encoder.config) if supports_packing(encoder) else padded
    moved: dict[str, Tensor | str] = {n: tensor.to(loaded.device) for n, tensor in batch.items()}
    if all(table.kind in ("pair", "choice") for table in tables):
        moved["head"] = str(tables[0].head)
    return moved


def _outputs_of(part: Tensor, table: TableRef, columns: Columns, model: MultiTaskModel) -> Arrays:
    if table.kind == "retrieval":
        return {"vector": _numpy(part)}
    assert table.head is not None
    # Each unit stands alone, a choice too: the label only tells the head how many there are.
    batch: dict[str, Tensor | str] = {"head": table.head, "label": torch.zeros(len(part))}
    return outputs(table.kind, _numpy(model.bank(part, batch, with_loss=False)), columns)


def _masked(rows: Sequence[dict[str, Any]], units: Units, head: str, loaded: _Loaded) -> Arrays:
    """Of each text, with tokens masked that depend on its place in its table alone: `nll`, the
    summed negative log likelihood of the masked tokens, `right`, those predicted right, and
    `count`, how many there are.
    """
    masked = [
        loaded.masking.apply([row], stream("masking", "evaluation", int(unit[1])))[0]
        for row, unit in zip(rows, units, strict=True)
    ]
    padded = collate(masked, "mlm", loaded.pad_id)
    batch: dict[str, Tensor | str] = {n: t.to(loaded.device) for n, t in padded.items()}
    batch["head"] = head
    logits_MV = loaded.model.logits(loaded.model.encode(batch), batch).float()
    targets_M = padded["targets"].to(loaded.device)
    nll = torch.nn.functional.cross_entropy(logits_MV, targets_M, reduction="none")
    counts = np.array([row["num_masked"] for row in rows], dtype=np.int32)
    owners = np.repeat(np.arange(len(rows)), counts)
    right = _numpy(logits_MV.argmax(-1) == targets_M)
    return {
        "nll": np.bincount(owners, _numpy(nll), len(rows)).astype(np.float32),
        "right": np.bincount(owners, right, len(rows)).astype(np.int32),
        "count": counts,
    }


def _numpy(tensor: Tensor) -> npt.NDArray[np.float32]:
    return tensor.float().cpu().numpy()  # a host-device sync


def _sequence(columns: Columns, index: int, choice: int) -> dict[str, Any]:
    """What the encoder reads of one unit: a row, or one choice of a row."""
    if "num_masked" in columns:
        return {name: columns[name][index] for name in _COLUMNS["mlm"] if name in columns}
    if "choice_input_ids" in columns:
        found = {name: columns.get(f"choice_{name}") for name in _ENCODER_COLUMNS}
        return {name: values[index][choice] for name, values in found.items() if values}
    return {name: columns[name][index] for name in _ENCODER_COLUMNS if name in columns}


@functools.lru_cache(maxsize=512)
def _open(file: str, kind: str) -> Any:
    """A token table, mapped, with the columns that prediction needs."""
    from datasets import Dataset

    if not Path(file).is_file():
        raise UserError(
            "this worker does not see the token table",
            file=file,
            remedy="set DSTILTS_CACHE to a folder that all nodes share",
        )
    table = Dataset.from_file(file)
    return table.select_columns([name for name in _COLUMNS[kind] if name in table.column_names])


def release() -> None:
    """Lets go of the model that was kept."""
    global _kept
    _kept = None


def _load(shard: Shard) -> _Loaded:
    """The shard's model; the last one is kept, because shards come model by model."""
    global _kept
    what = (shard.model, shard.digest, shard.precision)
    if _kept is None or _kept[0] != what:
        _kept = None  # two models at a time may be more than the memory holds
        _kept = (what, _load_model(shard))
    return _kept[1]


def _load_model(shard: Shard) -> _Loaded:
    # Rows are tokens already: no tokenizer, which would take most of the time.
    if shard.published:
        model = load_published_model(Path(shard.model))
    else:
        model = MultiTaskModel(load_model(shard.model), {})
    if supports_packing(model.encoder):
        enable_packing(model.encoder)
    device = _device()
    if shard.precision == "bf16":
        model = model.to(torch.bfloat16)
    elif shard.precision == "int8":
        quantise(model.encoder, device)
    return _Loaded(model.eval().to(device), shard.model, shard.pad_id, device)


def _device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda", _number % torch.cuda.device_count())
    return torch.device("cpu")
