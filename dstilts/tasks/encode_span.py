"""Questions with a context as overlapping windows of tokens, and windows back to text.

A window is `<s> question </s></s> part of the context </s>`, in whatever form the tokenizer gives
pairs: it is cut from the tokenizer's own encoding of the whole pair.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.tasks.encode_options import IGNORED, EncodeOptions
from dstilts.tasks.encode_text import Columns
from dstilts.tasks.examples import SpanExample
from dstilts.tasks.tokenizer import has_token_types


@dataclass(frozen=True)
class _Pair:
    """One whole question and context: the per-token columns, and where the parts are in them."""

    tokens: dict[str, list[int]]  # input_ids, perhaps token_type_ids
    before: list[int]  # positions of the tokens before the context, the question's tail left out
    context: range
    after: range
    starts: list[int]  # character offsets of the context's tokens
    ends: list[int]


def encode_spans(
    examples: Sequence[SpanExample],
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
    has_no_answer: bool = False,
) -> Columns:
    """One row for each window.

    Beside `input_ids`: `start` and `end`, the row's token positions of the first gold answer, both
    IGNORED where the window does not hold all of it (the paper's authors ignore such positions
    too); `context_start`, the position of the first context token; `char_starts` and `char_ends`,
    the context tokens' offsets in the original context; `example`, the index in `examples`.

    Args:
        has_no_answer: a window without the answer points to the first token, as in SQuAD v2.0's
            published baselines.

    Raises:
        UserError: a context has no text, or the question leaves no room for it.
    """
    encoded = tokenizer(
        [example.question for example in examples],
        [example.context for example in examples],
        truncation=False,
        return_attention_mask=False,
        return_token_type_ids=has_token_types(tokenizer),
        return_offsets_mapping=True,
        verbose=False,  # rows longer than the model takes are what the windows are for
    )
    columns: Columns = defaultdict(list)
    offsets = encoded.pop("offset_mapping")
    for index, example in enumerate(examples):
        tokens = {name: column[index] for name, column in encoded.items()}
        pair = _pair(example, tokens, offsets[index], encoded.sequence_ids(index), options)
        for row in _windows(pair, example, options):
            if has_no_answer and row["start"] == IGNORED and not _is_unlabelled(example):
                row["start"] = row["end"] = 0
            columns["example"].append(index)
            for name, value in row.items():
                columns[name].append(value)
    return dict(columns)


def decode(context: str, row: Mapping[str, Any], start: int, end: int) -> str:
    """The text of the original context from token `start` to token `end` (both in) of a row.

    Raises:
        ValueError: a position is outside the row's context tokens, or the end before the start.
    """
    first, last = start - row["context_start"], end - row["context_start"]
    if not 0 <= first <= last < len(row["char_starts"]):
        raise ValueError(f"tokens {start} to {end} are no span of the window's context")
    return context[row["char_starts"][first] : row["char_ends"][last]]


def _pair(
    example: SpanExample,
    tokens: dict[str, list[int]],
    offsets: list[tuple[int, int]],
    sides: list[int | None],
    options: EncodeOptions,
) -> _Pair:
    if 1 not in sides:
        raise UserError(f"the context of example {example.id!r} has no text")
    context = range(sides.index(1), len(sides) - sides[::-1].index(1))
    question = [position for position in range(context.start) if sides[position] == 0]
    dropped = set(question[options.max_query_length :])
    pieces = [(start, end, example.context[start:end]) for start, end in offsets[_slice(context)]]
    return _Pair(
        tokens=tokens,
        before=[position for position in range(context.start) if position not in dropped],
        context=context,
        after=range(context.stop, len(sides)),
        # A piece's offsets may take in the space before it; the space is no part of an answer. A
        # piece that is nothing but space becomes start = its end, end = its start: a span that
        # begins or stops there is cut at its outer border.
        starts=[end - len(text.lstrip()) for _, end, text in pieces],
        ends=[start + len(text.rstrip()) for start, _, text in pieces],
    )


def _is_unlabelled(example: SpanExample) -> bool:
    return example.answerable and not example.answers


def _slice(positions: range) -> slice:
    """The slice of a run of positions."""
    return slice(positions.start, positions.stop)


def _windows(pair: _Pair, example: SpanExample, options: EncodeOptions) -> Iterator[dict[str, Any]]:
    room = options.max_length - len(pair.before) - len(pair.after)
    if room < 1:
        raise UserError(
            f"the question of example {example.id!r} leaves no room for its context",
            remedy="raise max_length or lower max_query_length",
        )
    answer = _answer_tokens(pair, example)
    num_tokens = len(pair.context)
    # XTREME's scripts: windows begin doc_stride tokens apart, the last one reaches the end.
    last = max(0, -(-(num_tokens - room) // options.doc_stride)) * options.doc_stride
    for begin in range(0, last + 1, options.doc_stride):
        yield _window(pair, answer, begin, min(begin + room, num_tokens))


def _window(pair: _Pair, answer: tuple[int, int] | None, begin: int, stop: int) -> dict[str, Any]:
    """The row of the context tokens `begin` to `stop` (out)."""
    part = _slice(pair.context[begin:stop])
    row: dict[str, Any] = {
        name: [*(column[p] for p in pair.before), *column[part], *column[_slice(pair.after)]]
        for name, column in pair.tokens.items()
    }
    inside = answer is not None and begin <= answer[0] and answer[1] < stop
    shift = len(pair.before) - begin
    row["length"] = len(row["input_ids"])
    row["start"] = answer[0] + shift if answer and inside else IGNORED
    row["end"] = answer[1] + shift if answer and inside else IGNORED
    row["context_start"] = len(pair.before)
    row["char_starts"] = pair.starts[begin:stop]
    row["char_ends"] = pair.ends[begin:stop]
    return row


def _answer_tokens(pair: _Pair, example: SpanExample) -> tuple[int, int] | None:
    """The first gold answer as the shortest run of context tokens that covers it."""
    if not example.answers:
        return None
    answer = example.answers[0]
    first = bisect_right(pair.ends, answer.start)
    last = bisect_left(pair.starts, answer.start + len(answer.text)) - 1
    return (first, last) if first <= last else None
