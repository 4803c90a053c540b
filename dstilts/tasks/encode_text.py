"""Pairs of texts, multiple choice, single sentences and raw texts as token rows."""

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerFast

from dstilts.core.registry import lookup
from dstilts.tasks.encode_options import IGNORED, EncodeOptions
from dstilts.tasks.examples import ChoiceExample, PairExample, SentenceExample, TextExample
from dstilts.tasks.tokenizer import has_token_types

Columns = dict[str, list[Any]]

MASKED_SHARE = 0.15  # of the tokens of a text, as in BERT and XLM-R


def encode_pairs(
    examples: Sequence[PairExample],
    labels: Sequence[str],
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
) -> Columns:
    """`input_ids` and `label` of each pair, the longer text cut first."""
    columns = _texts(
        [example.text_a for example in examples],
        [example.text_b for example in examples],
        tokenizer,
        options.max_length,
    )
    ids = {label: index for index, label in enumerate(labels)}
    columns["label"] = [
        IGNORED if example.label is None else lookup("label", example.label, ids)
        for example in examples
    ]
    return columns


def encode_choices(
    examples: Sequence[ChoiceExample], tokenizer: PreTrainedTokenizerFast, options: EncodeOptions
) -> Columns:
    """`choice_input_ids` and `label`: each choice is encoded with the prompt on its own.

    The prompt is context, space, question (the paper's authors: jiant's multiple choice tasks).
    """
    prompts: list[str] = []
    choices: list[str] = []
    for example in examples:
        prompt = " ".join(filter(None, (example.context, example.question)))
        prompts += [prompt] * len(example.choices)
        choices += example.choices
    flat = _texts(prompts, choices, tokenizer, options.max_length)
    counts = [len(example.choices) for example in examples]
    lengths = _grouped(flat.pop("length"), counts)
    columns: Columns = {f"choice_{n}": _grouped(column, counts) for n, column in flat.items()}
    columns["length"] = list(map(sum, lengths))
    columns["label"] = [IGNORED if e.label is None else e.label for e in examples]
    return columns


def encode_sentences(
    examples: Sequence[SentenceExample],
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
) -> Columns:
    """`input_ids` of each sentence of either side; a candidate's context is a second text."""
    texts, contexts = ([getattr(e, name) for e in examples] for name in ("text", "context"))
    if not any(contexts):
        return _texts(texts, None, tokenizer, options.max_length)
    columns = _texts(texts, contexts, tokenizer, options.max_length)
    lone = [index for index, context in enumerate(contexts) if not context]
    if lone:
        alone = _texts([texts[index] for index in lone], None, tokenizer, options.max_length)
        for name, values in alone.items():
            for index, value in zip(lone, values, strict=True):
                columns[name][index] = value
    return columns


def encode_matches(
    matches: Sequence[tuple[SentenceExample, SentenceExample]],
    tokenizer: PreTrainedTokenizerFast,
    options: EncodeOptions,
) -> Columns:
    """Training rows of a ranking task: a question and its candidate as `choice_input_ids`."""
    sentences = [sentence for match in matches for sentence in match]
    flat = encode_sentences(sentences, tokenizer, options)
    counts = [2] * len(matches)
    lengths = _grouped(flat.pop("length"), counts)
    columns: Columns = {f"choice_{n}": _grouped(column, counts) for n, column in flat.items()}
    columns["length"] = list(map(sum, lengths))
    return columns


def encode_raw_texts(
    examples: Sequence[TextExample], tokenizer: PreTrainedTokenizerFast, options: EncodeOptions
) -> Columns:
    """`input_ids` of each text, and `num_masked`: how many of its tokens are to be masked.

    Which ones is drawn anew each time a row is used; their number is fixed, so that the loss of a
    step has a denominator that is known beforehand. A text without maskable tokens has 0.
    """
    columns = _texts([example.text for example in examples], None, tokenizer, options.max_length)
    special = set(tokenizer.all_special_ids)
    maskable = [sum(i not in special for i in ids) for ids in columns["input_ids"]]
    columns["num_masked"] = [min(n, max(1, round(MASKED_SHARE * n))) for n in maskable]
    return columns


def _texts(
    first: list[str],
    second: list[str] | None,
    tokenizer: PreTrainedTokenizerFast,
    max_length: int,
) -> Columns:
    encoded = tokenizer(
        first,
        second,
        truncation="longest_first",
        max_length=max_length,
        return_attention_mask=False,
        return_token_type_ids=has_token_types(tokenizer),
    )
    columns: Columns = dict(encoded)
    columns["length"] = list(map(len, columns["input_ids"]))
    return columns


def _grouped(column: list[Any], counts: list[int]) -> list[list[Any]]:
    items = iter(column)
    return [[next(items) for _ in range(count)] for count in counts]
