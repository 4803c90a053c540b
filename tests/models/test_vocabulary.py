"""Trimmed vocabularies: same segmentation and hidden states for the texts, never a dead end."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.models.encoder import load_encoder
from dstilts.models.unigram_tokenizer import SPECIAL_NAMES, save_tokenizer, xlmr_tokenizer
from dstilts.models.vocabulary import VOCABULARY_MAP, pieces_used, trim_to, trim_vocabulary
from tests.tiny import SENTENCES, tiny_encoder

TEXTS = ["the cat saw the dog", "cats and dogs", "ab <mask> c", "the cät", "ﬁne"]
WORDS = ["▁the", "▁cat", "▁saw", "▁dog", "▁cats", "▁and", "▁dogs", "ab", "at", "▁unseen", "ös"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
# The lowest score of all belongs to a piece of two characters that no text uses.
# A piece that goes stands first, so that all special tokens get new ids.
SCORED = [
    ("zz", -8.5),
    *((text, 0.0) for text in SPECIAL),
    *((text, -3.0 - 0.5 * i) for i, text in enumerate(WORDS)),
    ("qz", -30.0),
    *((text, -9.0 - 0.1 * i) for i, text in enumerate("▁abcdeghnostuwfi")),
    ("<mask>", 0.0),
]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """A random encoder of two layers over `SCORED`, with two rows too many, as XLM-R ones have."""
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(SCORED) + 2,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        pad_token_id=2,
        bos_token_id=1,
        eos_token_id=3,
    )
    folder = tmp_path / "tiny"
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    pipeline = xlmr_tokenizer(SCORED, unknown=4).to_str()
    save_tokenizer(folder, pipeline, SPECIAL_NAMES, max_length=32)
    return folder


def _hidden(folder: Path, texts: list[str]) -> torch.Tensor:
    encoder = load_encoder(str(folder))
    batch = encoder.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        return encoder.model(**batch).last_hidden_state * batch["attention_mask"][..., None]


def _tokens(folder: Path, texts: list[str]) -> list[list[str]]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer.convert_ids_to_tokens(ids) for ids in tokenizer(texts)["input_ids"]]


def test_the_texts_are_segmented_and_encoded_as_before(tiny_folder: Path) -> None:
    trimmed = trim_vocabulary(tiny_folder, iter(TEXTS))
    assert _tokens(trimmed, TEXTS) == _tokens(tiny_folder, TEXTS)
    torch.testing.assert_close(
        _hidden(trimmed, TEXTS), _hidden(tiny_folder, TEXTS), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "mt5", "modernbert"])
def test_encoders_of_every_family_are_trimmed(tmp_path: Path, kind: str) -> None:
    folder = tiny_encoder(tmp_path / kind, kind)
    texts = [SENTENCES["en"], SENTENCES["ja"]]
    trimmed = trim_vocabulary(folder, texts)
    assert len(np.load(trimmed / VOCABULARY_MAP)) < len(AutoTokenizer.from_pretrained(folder))
    assert _tokens(trimmed, texts) == _tokens(folder, texts)
    torch.testing.assert_close(_hidden(trimmed, texts), _hidden(folder, texts), rtol=0, atol=1e-6)


def test_only_what_is_needed_stays_and_the_map_says_what(tiny_folder: Path) -> None:
    trimmed = trim_vocabulary(tiny_folder, TEXTS)
    old_ids = np.load(trimmed / VOCABULARY_MAP).tolist()
    gone = {text for i, (text, _) in enumerate(SCORED) if i not in old_ids}
    assert gone == {"zz", "at", "▁unseen", "ös"}
    tokenizer = AutoTokenizer.from_pretrained(trimmed)
    kept = [SCORED[i][0] for i in old_ids]
    assert tokenizer.convert_ids_to_tokens(range(len(tokenizer))) == kept
    config = json.loads((trimmed / "config.json").read_text())
    assert config["vocab_size"] == len(kept) == len(tokenizer)
    ids = [config[f"{name}_token_id"] for name in ("bos", "pad", "eos")]
    assert ids == [tokenizer.bos_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id]
    old_rows = load_file(tiny_folder / "model.safetensors")["embeddings.word_embeddings.weight"]
    new_rows = load_file(trimmed / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert torch.equal(new_rows, old_rows[old_ids])
    assert (trimmed / "model.safetensors").stat().st_mode & 0o077 == (
        trimmed / "config.json"
    ).stat().st_mode & 0o077


def test_special_tokens_move_with_their_ids(tiny_folder: Path) -> None:
    trimmed = trim_to(tiny_folder, [])
    tokenizer = AutoTokenizer.from_pretrained(trimmed)
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    pair = tokenizer("a <mask>", "b")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(pair) == [
        "<s>", "▁", "a", "<mask>", "</s>", "</s>", "▁", "b", "</s>",
    ]  # fmt: skip


def test_unseen_text_falls_back_to_characters_and_at_worst_to_unknown(tiny_folder: Path) -> None:
    trimmed = trim_to(tiny_folder, [])
    assert _tokens(trimmed, ["unseen 猫"]) == [
        ["<s>", "▁", "u", "n", "s", "e", "e", "n", "▁", "<unk>", "</s>"]
    ]


def test_the_unknown_piece_keeps_its_score(tiny_folder: Path) -> None:
    # "ös" at -8 holds the one "ö"; an unknown piece that became cheaper might take its place.
    pieces = pieces_used(AutoTokenizer.from_pretrained(tiny_folder), ["ös"])
    trimmed = trim_to(tiny_folder, pieces)
    scores = [
        score for _, score in json.loads((trimmed / "tokenizer.json").read_text())["model"]["vocab"]
    ]
    assert min(scores) == -30.0
    assert _tokens(trimmed, ["ös"]) == _tokens(tiny_folder, ["ös"])


def test_equal_needs_share_a_folder_and_other_ones_do_not(tiny_folder: Path) -> None:
    first = trim_vocabulary(tiny_folder, TEXTS)
    assert trim_vocabulary(tiny_folder, reversed(TEXTS * 2)) == first
    assert trim_vocabulary(tiny_folder, TEXTS[:1]) != first
    weights = load_file(tiny_folder / "model.safetensors")
    weights["embeddings.LayerNorm.bias"] += 1
    save_file(weights, tiny_folder / "model.safetensors", metadata={"format": "pt"})
    assert trim_vocabulary(tiny_folder, TEXTS) != first


def test_a_trimmed_folder_can_be_trimmed_again(tiny_folder: Path) -> None:
    once = trim_vocabulary(tiny_folder, TEXTS)
    twice = trim_vocabulary(once, TEXTS[:2])
    assert _tokens(twice, TEXTS[:2]) == _tokens(tiny_folder, TEXTS[:2])
    assert len(np.load(twice / VOCABULARY_MAP)) < len(np.load(once / VOCABULARY_MAP))


def test_counting_pieces_ignores_an_earlier_truncation(tiny_folder: Path) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_folder)
    whole = pieces_used(tokenizer, TEXTS)
    tokenizer(TEXTS, truncation=True, max_length=3, padding="max_length")
    assert pieces_used(tokenizer, TEXTS) == whole
    assert tokenizer.pad_token_id not in whole


def test_a_table_with_an_unknown_name_is_refused(tiny_folder: Path) -> None:
    weights = load_file(tiny_folder / "model.safetensors")
    weights["strange.weight"] = weights.pop("embeddings.word_embeddings.weight")
    save_file(weights, tiny_folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="found no embedding"):
        trim_vocabulary(tiny_folder, TEXTS)


def test_other_tokenizers_and_folders_are_refused(tiny_folder: Path, tmp_path: Path) -> None:
    (tiny_folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"no model\.safetensors"):
        trim_to(tiny_folder, [])
    words = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(tmp_path / "words")
    with pytest.raises(UserError, match="WordLevel"):
        trim_to(tmp_path / "words", [])
    with pytest.raises(UserError, match="no tokenizer"):
        trim_to(tmp_path / "absent", [])


def test_the_default_encoder_trimmed(default_folder: Path) -> None:
    texts = ["A cat under the table.", "猫はテーブルの下", "പൂച്ച മേശയുടെ കീഴില്\u200d", "<mask>～"]
    trimmed = trim_vocabulary(default_folder, texts)
    assert _tokens(trimmed, texts) == _tokens(default_folder, texts)
    torch.testing.assert_close(
        _hidden(trimmed, texts), _hidden(default_folder, texts), rtol=0, atol=1e-6
    )
    assert 13_828 < len(np.load(trimmed / VOCABULARY_MAP)) < 13_900
    assert all("<unk>" not in tokens for tokens in _tokens(trimmed, ["Hundehütte", "犬小屋"]))
