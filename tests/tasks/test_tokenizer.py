"""The tokenizer's key, spaces and bare pieces."""

from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from dstilts.tasks.tokenizer import bare_piece_ids, tokenizer_digest, word_prefix
from tests.tiny import SPACE, byte_level_tokenizer, tiny_tokenizer


def test_digest_follows_the_content_not_the_object(tmp_path: Path) -> None:
    first = tiny_tokenizer()
    first.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer_digest(loaded) == tokenizer_digest(first)

    larger = tiny_tokenizer()
    larger.add_tokens(["unheard"])
    assert tokenizer_digest(larger) != tokenizer_digest(first)

    typed = tiny_tokenizer()
    typed.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    assert tokenizer_digest(typed) != tokenizer_digest(first)


def test_digest_ignores_the_truncation_of_the_last_call() -> None:
    fresh, used = tiny_tokenizer(), tiny_tokenizer()
    used(["a b c", "a"], truncation=True, max_length=3, padding=True)
    assert used.backend_tokenizer.truncation is not None
    assert tokenizer_digest(used) == tokenizer_digest(fresh)


def test_word_prefix(tokenizer: PreTrainedTokenizerFast) -> None:
    assert word_prefix(tokenizer) == ""
    assert word_prefix(byte_level_tokenizer()) == " "


def test_bare_pieces(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer.convert_ids_to_tokens(list(bare_piece_ids(tokenizer))) == [SPACE]
    assert len(bare_piece_ids(byte_level_tokenizer())) == 1
