"""Examples to token rows, for every kind of task, in batches of the tokenizer."""

from collections.abc import Iterator, Sequence
from typing import Any

from transformers import PreTrainedTokenizerFast

from dstilts.tasks.catalog import TaskSpec
from dstilts.tasks.encode_options import EncodeOptions as EncodeOptions
from dstilts.tasks.encode_span import encode_spans
from dstilts.tasks.encode_tagging import encode_words
from dstilts.tasks.encode_text import (
    Columns,
    encode_choices,
    encode_matches,
    encode_pairs,
    encode_raw_texts,
    encode_sentences,
)
from dstilts.tasks.examples import ExampleSet, SentenceExample

ENCODING_VERSION = 2  # part of every table's key: raise it when the same input gives other rows
_BATCH_SIZE = 1000  # examples a call of the tokenizer


def encode(
    examples: ExampleSet,
    spec: TaskSpec,
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
) -> Iterator[dict[str, Any]]:
    """The token rows of a set, in the order of its examples.

    Every row has `example` (index into `examples.examples`) and `length` (tokens). By kind:
    pair `input_ids`, `label`; choice `choice_input_ids`, `label`; retrieval `input_ids`, but for
    training rows `choice_input_ids` (question, candidate) and `candidate`, the index of the latter;
    mlm `input_ids`, `num_masked`; span and tagging: see `encode_spans` and `encode_words`.
    `token_type_ids` (`choice_token_type_ids`) are there where the encoder reads them. Unlabelled is
    -100.

    Raises:
        UserError: a label is not the task's, or an example cannot be encoded.
    """
    for columns in encode_batches(examples, spec, tokenizer, options):
        names = tuple(columns)
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(names, values, strict=True))


def encode_batches(
    examples: ExampleSet,
    spec: TaskSpec,
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
) -> Iterator[Columns]:
    """The rows of `encode` as columns, one dictionary for each batch of examples."""
    if spec.kind == "retrieval" and examples.split == "train":
        yield from _match_batches(examples, tokenizer, options)
        return
    for first in range(0, len(examples), _BATCH_SIZE):
        batch = examples.examples[first : first + _BATCH_SIZE]
        columns = _encode_batch(batch, spec, tokenizer, options)
        # Kinds with one row an example leave the numbering to us.
        within = columns.pop("example", None) or range(len(batch))
        yield {"example": [first + index for index in within], **columns}


def _encode_batch(
    batch: Sequence[Any],
    spec: TaskSpec,
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
) -> Columns:
    match spec.kind:
        case "pair":
            return encode_pairs(batch, spec.labels, tokenizer, options)
        case "choice":
            return encode_choices(batch, tokenizer, options)
        case "span":
            return encode_spans(batch, tokenizer, options, spec.has_no_answer)
        case "tagging":
            return encode_words(batch, spec.labels, tokenizer, options, spec.open_labels)
        case "retrieval":
            return encode_sentences(batch, tokenizer, options)
        case "mlm":
            return encode_raw_texts(batch, tokenizer, options)


def _match_batches(
    examples: ExampleSet, tokenizer: PreTrainedTokenizerFast, options: EncodeOptions
) -> Iterator[Columns]:
    """The rows of a ranking task's training set: each question with its first candidate."""
    sentences = [e for e in examples.examples if isinstance(e, SentenceExample)]
    places = {e.id: index for index, e in enumerate(sentences) if e.side == "target"}
    sources = [i for i, e in enumerate(sentences) if e.side == "source" and e.matches]
    for first in range(0, len(sources), _BATCH_SIZE):
        chosen = sources[first : first + _BATCH_SIZE]
        candidates = [places[sentences[index].matches[0]] for index in chosen]
        matches = [(sentences[q], sentences[c]) for q, c in zip(chosen, candidates, strict=True)]
        columns = encode_matches(matches, tokenizer, options)
        yield {"example": chosen, **columns, "candidate": candidates}
