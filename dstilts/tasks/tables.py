"""Token rows as memory-mapped Arrow tables, built once and shared by all ranks and runs."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from transformers import PreTrainedTokenizerFast

from dstilts.core.built_once import built_once
from dstilts.core.cache import cache_folder
from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.core.files import write_json
from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.encode import ENCODING_VERSION, encode_batches
from dstilts.tasks.encode_options import EncodeOptions
from dstilts.tasks.examples import ExampleSet
from dstilts.tasks.progress import Progress
from dstilts.tasks.tokenizer import tokenizer_digest

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

_ROWS = "rows.arrow"
_NUMBERS = {"example", "length", "label", "start", "end", "context_start", "first_word"} | {
    "candidate",
    "num_masked",
}


def token_table(
    examples: ExampleSet,
    spec: TaskSpec,
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
) -> "Dataset":
    """The rows of `encode` as a `datasets` table, mapped from the cache; built if it is missing.

    Raises:
        UserError: the set is empty, or an example cannot be encoded.
    """
    return open_table(token_folder(examples, examples.digest(), spec, tokenizer, options))


def token_folder(
    examples: ExampleSet,
    digest: str,
    spec: TaskSpec,
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
) -> Path:
    """The folder of the table in the cache, built if it is missing. Its name is the table's key.

    Building takes the memory of the examples and of one batch of rows, and says how far it is.

    Args:
        digest: of the examples.

    Raises:
        UserError: the set is empty, or an example cannot be encoded.
    """
    if not len(examples):
        raise UserError(f"no examples: {examples.task} {examples.split} in {examples.language}")
    folder = cached_tokens(_key(examples, digest, spec, tokenizer, options))
    built_once(folder, lambda temporary: _build(temporary, examples, spec, tokenizer, options))
    return folder


def cached_tokens(key: str) -> Path:
    """Where the table of a key is, if it is there."""
    return cache_folder("tokens", key)


def open_table(folder: Path) -> "Dataset":
    """The table in a folder of `token_folder`, mapped."""
    from datasets import Dataset

    return Dataset.from_file(str(folder / _ROWS))


def _key(
    examples: ExampleSet,
    digest: str,
    spec: TaskSpec,
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
) -> str:
    return short_key(
        {
            "examples": digest,
            "kind": spec.kind,
            "labels": spec.labels,
            "has_no_answer": spec.has_no_answer,
            "is_training": examples.split == "train",
            "tokenizer": tokenizer_digest(tokenizer),
            "options": options,
            "version": ENCODING_VERSION,
        }
    )


def _build(
    folder: Path,
    examples: ExampleSet,
    spec: TaskSpec,
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
) -> None:
    import pyarrow as pa

    num_rows = 0
    progress = Progress(f"tokens of {examples.task} ({examples.language})", len(examples))
    with contextlib.ExitStack() as stack:
        writer: pa.RecordBatchStreamWriter | None = None
        for columns in encode_batches(examples, spec, tokenizer, options):
            schema = pa.schema([(name, _type(name)) for name in columns])
            if writer is None:
                stream = pa.ipc.new_stream(str(folder / _ROWS), schema)
                writer = stack.enter_context(stream)
            writer.write_batch(pa.record_batch(columns, schema=schema))
            num_rows += len(columns["example"])
            progress.reached(columns["example"][-1] + 1)
    # For whoever looks into the cache; nothing reads it.
    description = {
        "task": examples.task,
        "split": examples.split,
        "language": examples.language,
        "source": examples.source,
        "num_examples": len(examples),
        "num_rows": num_rows,
    }
    write_json(folder / "about.json", description)


def _type(name: str) -> "pa.DataType":
    import pyarrow as pa

    number = pa.int32()
    if name in _NUMBERS:
        return number
    return pa.list_(pa.list_(number)) if name.startswith("choice_") else pa.list_(number)
