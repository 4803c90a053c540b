"""What encoding has to know of a tokenizer: its key, how it reads spaces, its bare pieces."""

import functools
import hashlib
import json

from transformers import PreTrainedTokenizerFast

# How SentencePiece and byte-level vocabularies write a space.
_SPACE_PIECES = ("\u2581", "\u0120")


@functools.lru_cache(maxsize=4)
def tokenizer_digest(tokenizer: PreTrainedTokenizerFast) -> str:
    """The SHA-256 (hexadecimal) of all that decides how a text becomes a row of ids.

    Takes about a second for XLM-R's 250,000 pieces, so it is remembered for each tokenizer object,
    which must not be changed afterwards.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    # The last call's truncation and padding stand in the state; every call of ours sets its own.
    state["truncation"] = state["padding"] = None
    state["inputs"] = list(tokenizer.model_input_names)
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def has_token_types(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether the encoder reads segment ids (BERT), so that rows must carry them."""
    return "token_type_ids" in tokenizer.model_input_names


def word_prefix(tokenizer: PreTrainedTokenizerFast) -> str:
    """What stands before a word inside a sentence when words are given one by one: "" or a space.

    SentencePiece (XLM-R) and WordPiece (BERT) tokenizers treat a lone word as the start of a word
    already; byte-level BPE (RoBERTa, ModernBERT) and Gemma's vocabulary (mmBERT) would take it for
    the continuation of the word before.
    """
    lone, spaced = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("a", " a"))
    return "" if lone == spaced else " "


def bare_piece_ids(tokenizer: PreTrainedTokenizerFast) -> frozenset[int]:
    """The ids of the pieces that are a space and nothing else (U+2581 alone)."""
    # Not get_vocab: it copies the whole vocabulary, which costs more than encoding a batch.
    ids = map(tokenizer.backend_tokenizer.token_to_id, _SPACE_PIECES)
    return frozenset(number for number in ids if number is not None)
