"""From the tasks of a phase to token rows, and what the manifest says of them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.phase import BatchConfig, PhaseConfig, TaskUse
from dstilts.engine.plan import TaskRows
from dstilts.models.heads import HeadSpec
from dstilts.models.masking import Masking
from dstilts.tasks.catalog import TaskSpec, task
from dstilts.tasks.encode_options import IGNORED, EncodeOptions
from dstilts.tasks.examples import ExampleSet, Kind
from dstilts.tasks.open_source import open_source
from dstilts.tasks.source import Source
from dstilts.tasks.subset import take
from dstilts.tasks.tables import token_table
from dstilts.tasks.training_sets import training_set, with_labels
from dstilts.tasks.transform.apply import apply

# The columns of a token table that a batch is made from; the rest serves evaluation.
_BATCH_COLUMNS: dict[Kind, tuple[str, ...]] = {
    "pair": ("input_ids", "token_type_ids", "label"),
    "choice": ("choice_input_ids", "choice_token_type_ids", "label"),
    "span": ("input_ids", "token_type_ids", "start", "end"),
    "tagging": ("input_ids", "token_type_ids", "labels"),
    "retrieval": ("choice_input_ids", "choice_token_type_ids", "candidate"),
    "mlm": ("input_ids", "token_type_ids", "num_masked"),
}


def load_examples(config: PhaseConfig) -> tuple[list[ExampleSet], dict[str, object]]:
    """The English training set of every task of a phase, and the identity of their source.

    A task that is evaluated only (XNLI) is trained on the task that the catalog names (MNLI).

    Raises:
        UserError: an unknown task, one without training, or what the source raises.
    """
    source = open_source(config.data.source, config.data.folder)
    sets = [examples_of(use, source, config.seed) for use in config.tasks]
    return sets, source.identity()


def examples_of(use: TaskUse, source: Source, seed: int) -> ExampleSet:
    """The training set of one use of a task: transformed, then cut to the wanted number.

    Raises:
        UserError: an unknown task, one without training, or what source and transformations raise.
    """
    spec = task(use.task)
    if spec.train_task is None:
        raise UserError(f"task {use.task!r} is evaluated without training")
    whole = training_set(source, spec.train_task, use.languages, use.smoothing)
    return take(apply(use.transform, whole, source), use.examples, seed)


def describe(
    config: PhaseConfig, sets: Sequence[ExampleSet], source: dict[str, object]
) -> dict[str, object]:
    """What the manifest says of the training data, by task of the phase."""
    return {
        use.task: {
            "source": source,
            "train_task": examples.task,
            "split": examples.split,
            "language": examples.language,
            "subset": examples.subset,
            "num_examples": len(examples),
            "digest": examples.digest(),
        }
        for use, examples in zip(config.tasks, sets, strict=True)
    }


def heads_of(sets: Sequence[ExampleSet]) -> dict[str, HeadSpec]:
    """The heads of the tasks by name; tasks of the same head share it.

    Raises:
        UserError: two tasks share the name of a head but not its labels.
    """
    heads: dict[str, HeadSpec] = {}
    for examples in sets:
        spec = with_labels(task(examples.task), examples)
        name, head = head_name(spec), HeadSpec.of(spec)
        if heads.setdefault(name, head) != head:
            raise UserError(f"the tasks that share the head {name!r} have different labels")
    return heads


def head_name(spec: TaskSpec) -> str:
    """The name of a task's head.

    Raises:
        UserError: the task has none.
    """
    if spec.head is None:
        raise UserError(f"task {spec.name!r} has no head: it is evaluated without training")
    return spec.head


def token_rows(
    sets: Sequence[ExampleSet],
    tokenizer: PreTrainedTokenizerFast,
    batch: BatchConfig,
    group: ProcessGroup,
) -> list[TaskRows]:
    """The token rows of every set, memory-mapped. Rank 0 builds what is missing (a collective)."""
    if group.is_main:
        list(_build(sets, tokenizer, batch))
    group.barrier()
    return list(_build(sets, tokenizer, batch))


def _build(
    sets: Sequence[ExampleSet], tokenizer: PreTrainedTokenizerFast, batch: BatchConfig
) -> Iterator[TaskRows]:
    for examples in sets:
        spec = with_labels(task(examples.task), examples)
        table = token_table(examples, spec, tokenizer, encode_options(spec.kind, batch))
        yield _rows(examples, spec, table, Masking.of(tokenizer) if spec.kind == "mlm" else None)


def encode_options(kind: Kind, batch: BatchConfig) -> EncodeOptions:
    """How a kind of task is encoded; shorter windows are shifted by less, so that they overlap."""
    if kind != "span":
        return EncodeOptions(max_length=batch.max_length)
    stride = min(EncodeOptions.doc_stride, max(1, batch.max_length_span // 3))
    return EncodeOptions(max_length=batch.max_length_span, doc_stride=stride)


def _rows(examples: ExampleSet, spec: TaskSpec, table: Any, masking: Masking | None) -> TaskRows:
    columns = table.with_format("numpy")
    counts = loss_counts(spec.kind, columns)
    # Rows without a label (windows without the answer) have no loss: they are not computed at all.
    rows = np.flatnonzero(counts)
    if len(rows) == 0:
        raise UserError(f"no example of {examples.task!r} has a label that a loss can be made from")
    wanted = [name for name in _BATCH_COLUMNS[spec.kind] if name in table.column_names]
    return TaskRows(
        task=examples.task,
        kind=spec.kind,
        head=head_name(spec),
        table=table.select_columns(wanted),
        rows=rows,
        lengths=np.asarray(columns["length"])[rows],
        counts=counts[rows],
        num_examples=_num_examples(examples),
        masking=masking,
    )


def _num_examples(examples: ExampleSet) -> int:
    """Examples, or of a ranking task questions."""
    return sum(getattr(example, "side", "source") == "source" for example in examples.examples)


def loss_counts(kind: Kind, columns: Any) -> np.ndarray:
    """What each row adds to the denominator of the loss: its labelled tokens, or 1 or 0."""
    if kind == "retrieval":
        return np.ones(len(columns["candidate"]), dtype=np.int64)
    if kind == "mlm":
        return np.asarray(columns["num_masked"], dtype=np.int64)
    if kind == "tagging":
        return np.array([(np.asarray(labels) != IGNORED).sum() for labels in columns["labels"]])
    name = "start" if kind == "span" else "label"
    return (np.asarray(columns[name]) != IGNORED).astype(np.int64)
