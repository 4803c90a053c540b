"""Sentences of tagged words as token rows; one sub-token of each word carries the word's tag."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from transformers import BatchEncoding, PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.core.registry import lookup
from dstilts.tasks.encode_options import IGNORED, EncodeOptions
from dstilts.tasks.encode_text import Columns
from dstilts.tasks.examples import TaggingExample
from dstilts.tasks.tokenizer import bare_piece_ids, has_token_types, word_prefix

NO_WORD = -1


class _Word(NamedTuple):
    """Where a word's sub-tokens are in the whole sentence's row."""

    start: int
    stop: int
    labelled: int


def encode_words(
    examples: Sequence[TaggingExample],
    labels: Sequence[str],
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
    open_labels: bool = False,
) -> Columns:
    """One row for each sentence, or several where it is longer than `max_length`.

    Beside `input_ids`: `labels`, the tag's number at the labelled sub-token of each word and
    IGNORED elsewhere; `word_index`, the word's index in its sentence at the same places and
    NO_WORD elsewhere; `first_word`, the index of the row's first word; `example`, the index in
    `examples`. Long sentences are split at the borders of words, as XTREME's scripts do; of a word
    that is longer than a whole row the tail is dropped. A word without sub-tokens becomes `<unk>`.

    Args:
        open_labels: a tag that is not among `labels` is no mistake; it cannot be learned.
    """
    encoded = _encode(examples, tokenizer)
    ids = {label: index for index, label in enumerate(labels)}
    bare = bare_piece_ids(tokenizer) if options.label_token == "first_nonbare" else frozenset()
    columns: Columns = defaultdict(list)
    for index, (example, (tokens, owners)) in enumerate(zip(examples, encoded, strict=True)):
        words = _words(tokens["input_ids"], owners, bare)
        # Published without tags: nothing to learn from, but words to predict.
        known = example.tags or [None] * len(example.words)
        tags = [_label(tag, ids, open_labels) for tag in known]
        for row in _rows(tokens, words, tags, options.max_length):
            columns["example"].append(index)
            for name, value in row.items():
                columns[name].append(value)
    return dict(columns)


def _label(tag: str | None, ids: Mapping[str, int], open_labels: bool) -> int:
    if tag is None or (open_labels and tag not in ids):
        return IGNORED
    return lookup("tag", tag, ids)


_Sentence = tuple[dict[str, list[int]], list[int | None]]  # token columns, word of each token


def _encode(
    examples: Sequence[TaggingExample], tokenizer: PreTrainedTokenizerFast
) -> list[_Sentence]:
    """Whole sentences, untruncated, each word with at least one sub-token."""
    prefix = word_prefix(tokenizer)
    sentences = [[e.words[0], *(prefix + word for word in e.words[1:])] for e in examples]
    encoded = _call(sentences, tokenizer)
    incomplete = [
        index
        for index, (_, owners) in enumerate(encoded)
        if len(set(owners) - {None}) < len(sentences[index])
    ]
    if incomplete:
        mended = [_mend(sentences[i], encoded[i][1], tokenizer) for i in incomplete]
        for index, sentence in zip(incomplete, _call(mended, tokenizer), strict=True):
            encoded[index] = sentence
    return encoded


def _mend(
    words: list[str], owners: list[int | None], tokenizer: PreTrainedTokenizerFast
) -> list[str]:
    seen = set(owners)
    if tokenizer.unk_token is None:
        raise UserError("a word has no sub-token, and the tokenizer no piece for unknown words")
    return [word if index in seen else tokenizer.unk_token for index, word in enumerate(words)]


def _call(sentences: list[list[str]], tokenizer: PreTrainedTokenizerFast) -> list[_Sentence]:
    encoded: BatchEncoding = tokenizer(
        sentences,
        is_split_into_words=True,
        truncation=False,
        return_attention_mask=False,
        return_token_type_ids=has_token_types(tokenizer),
        verbose=False,  # rows longer than the model takes are split below
    )
    return [
        ({name: column[index] for name, column in encoded.items()}, encoded.word_ids(index))
        for index in range(len(sentences))
    ]


def _words(ids: list[int], owners: list[int | None], bare: frozenset[int]) -> list[_Word]:
    words = []
    for owner, group in groupby(range(len(ids)), key=owners.__getitem__):
        if owner is None:
            continue
        positions = list(group)
        labelled = next((p for p in positions if ids[p] not in bare), positions[0])
        words.append(_Word(positions[0], positions[-1] + 1, labelled))
    return words


def _rows(
    tokens: Mapping[str, list[int]], words: list[_Word], tags: list[int], max_length: int
) -> Iterator[dict[str, Any]]:
    before, after = words[0].start, words[-1].stop
    num_tokens = len(tokens["input_ids"])
    room = max_length - before - (num_tokens - after)
    first = 0
    while first < len(words):
        limit = words[first].start + room
        stop = first + 1
        while stop < len(words) and words[stop].stop <= limit:
            stop += 1
        part = slice(words[first].start, min(words[stop - 1].stop, limit))
        row: dict[str, Any] = {
            name: column[:before] + column[part] + column[after:] for name, column in tokens.items()
        }
        row["length"] = len(row["input_ids"])
        row["labels"] = [IGNORED] * row["length"]
        row["word_index"] = [NO_WORD] * row["length"]
        for index in range(first, stop):
            position = words[index].labelled - part.start + before
            row["labels"][position] = tags[index]
            row["word_index"][position] = index
        row["first_word"] = first
        yield row
        first = stop
