"""From examples to the rows a phase trains on: token table, lengths and counts, all in the cache.

What is known of the examples themselves is kept as a few facts, so that a phase whose rows are
there needs no example.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerFast

from dstilts.core.built_once import built_once
from dstilts.core.cache import cache_folder
from dstilts.core.errors import UserError
from dstilts.engine.phase import BatchConfig
from dstilts.engine.plan import TaskRows
from dstilts.models.masking import Masking
from dstilts.tasks.catalog import TaskSpec, task
from dstilts.tasks.encode_options import IGNORED, EncodeOptions
from dstilts.tasks.examples import ExampleSet, Kind
from dstilts.tasks.tables import cached_tokens, open_table, token_folder
from dstilts.tasks.training_sets import with_labels

# The columns of a token table that a batch is made from; the rest serves evaluation.
_BATCH_COLUMNS: dict[Kind, tuple[str, ...]] = {
    "pair": ("input_ids", "token_type_ids", "label"),
    "choice": ("choice_input_ids", "choice_token_type_ids", "label"),
    "span": ("input_ids", "token_type_ids", "start", "end"),
    "tagging": ("input_ids", "token_type_ids", "labels"),
    "retrieval": ("choice_input_ids", "choice_token_type_ids", "candidate"),
    "mlm": ("input_ids", "token_type_ids", "num_masked"),
}
_ARRAYS = ("rows", "lengths", "counts")
_ROWS_VERSION = 1  # raised when the same token table gives other arrays


@dataclass(frozen=True)
class SetFacts:
    """What there is to know of a training set whose rows are in the cache.

    Attributes:
        labels: of the task, in the order of the head's outputs; open ones filled in.
        num_examples: all of them.
        num_items: examples, or of a ranking task questions: what a mixture counts.
        digest: of the examples.
        table: the key of the token table.
        subset: how the set differs from the published one.
    """

    task: str
    split: str
    language: str
    labels: tuple[str, ...]
    num_examples: int
    num_items: int
    digest: str
    table: str
    subset: str | None = None

    @property
    def spec(self) -> TaskSpec:
        """The task with its labels."""
        return dataclasses.replace(task(self.task), labels=self.labels)

    @property
    def is_cached(self) -> bool:
        """Whether the rows are still in the cache."""
        return cached_tokens(self.table).is_dir() and _arrays_folder(self.table).is_dir()


def cached_rows(
    examples: ExampleSet, tokenizer: PreTrainedTokenizerFast, batch: BatchConfig
) -> SetFacts:
    """Puts the rows of a set into the cache, as far as they are missing.

    Raises:
        UserError: an example cannot be encoded, or none has a label.
    """
    spec = with_labels(task(examples.task), examples)
    digest = examples.digest()
    options = encode_options(spec.kind, batch)
    folder = token_folder(examples, digest, spec, tokenizer, options)
    built_once(
        _arrays_folder(folder.name),
        lambda temporary: _write_arrays(temporary, open_table(folder), spec),
    )
    return SetFacts(
        task=examples.task,
        split=examples.split,
        language=examples.language,
        subset=examples.subset,
        labels=spec.labels,
        num_examples=len(examples),
        num_items=sum(getattr(e, "side", "source") == "source" for e in examples.examples),
        digest=digest,
        table=folder.name,
    )


def open_rows(facts: SetFacts, tokenizer: PreTrainedTokenizerFast) -> TaskRows:
    """The rows of a set, mapped: they take no memory but the pages that are read.

    Raises:
        UserError: the cache is damaged.
    """
    spec = facts.spec
    folder = built_once(_arrays_folder(facts.table), _never)
    rows, lengths, counts = (
        np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in _ARRAYS
    )
    table = open_table(built_once(cached_tokens(facts.table), _never))
    wanted = [name for name in _BATCH_COLUMNS[spec.kind] if name in table.column_names]
    return TaskRows(
        task=facts.task,
        kind=spec.kind,
        head=head_name(spec),
        table=table.select_columns(wanted),
        rows=rows,
        lengths=lengths,
        counts=counts,
        num_examples=facts.num_items,
        masking=Masking.of(tokenizer) if spec.kind == "mlm" else None,
    )


def head_name(spec: TaskSpec) -> str:
    """The name of a task's head.

    Raises:
        UserError: the task has none.
    """
    if spec.head is None:
        raise UserError(f"task {spec.name!r} has no head: it is evaluated without training")
    return spec.head


def encode_options(kind: Kind, batch: BatchConfig) -> EncodeOptions:
    """How a kind of task is encoded; shorter windows are shifted by less, so that they overlap."""
    if kind != "span":
        return EncodeOptions(max_length=batch.max_length)
    stride = min(EncodeOptions.doc_stride, max(1, batch.max_length_span // 3))
    return EncodeOptions(max_length=batch.max_length_span, doc_stride=stride)


def loss_counts(kind: Kind, table: Any) -> npt.NDArray[np.int64]:
    """What each row adds to the denominator of the loss: its labelled tokens, or 1 or 0."""
    if kind == "retrieval":
        return np.ones(len(table), dtype=np.int64)
    if kind == "mlm":
        return _numbers(table, "num_masked").astype(np.int64)
    if kind == "tagging":
        return np.concatenate([_labelled(chunk) for chunk in table.data.column("labels").chunks])
    return (_numbers(table, "start" if kind == "span" else "label") != IGNORED).astype(np.int64)


def _labelled(lists: Any) -> npt.NDArray[np.int64]:
    """How many labels of each list count."""
    before = np.cumsum([0, *(lists.values.to_numpy() != IGNORED)])
    return np.diff(before[lists.offsets.to_numpy()])


def _numbers(table: Any, column: str) -> npt.NDArray[Any]:
    # Not the table's own columns, which give one Python number after the other.
    return table.data.column(column).to_numpy()


def _write_arrays(folder: Path, table: Any, spec: TaskSpec) -> None:
    counts = loss_counts(spec.kind, table)
    # Rows without a label (windows without the answer) have no loss: they are not computed at all.
    rows = np.flatnonzero(counts)
    if len(rows) == 0:
        raise UserError(f"no example of {spec.name!r} has a label that a loss can be made from")
    for name, values in zip(
        _ARRAYS, (rows, _numbers(table, "length")[rows], counts[rows]), strict=True
    ):
        np.save(folder / f"{name}.npy", values)


def _arrays_folder(table: str) -> Path:
    return cache_folder("rows", f"{table}-{_ROWS_VERSION}")


def _never(folder: Path) -> None:
    raise UserError("removed from the cache while it was needed", file=folder)
