"""The XLM-R tokenizer pipeline over a given Unigram vocabulary, and how it is saved to a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dstilts.core.files import write_json, write_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WORD_START = "\u2581"  # SentencePiece's mark of a word's beginning
SPECIAL_NAMES = {
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
# NFKC would make the full-width tilde an ASCII one, but XLM-R has pieces for it: it crosses NFKC
# in the guise of a code point that Unicode promises never to be a character.
FULL_WIDTH_TILDE, STAND_IN = "\uff5e", "\ufdd0"


def xlmr_tokenizer(scored: list[tuple[str, float]], unknown: int) -> "Tokenizer":
    """XLM-R's pipeline: NMT + NFKC, words, Unigram, `<s> A </s>` or `<s> A </s></s> B </s>`.

    SentencePiece's own rule table (nmt_nfkc) maps each code point as Nmt + NFKC do, but for the
    full-width tilde (handled) and U+1F23B, one character younger than the table. Unlike the table,
    NFKC puts stacked combining marks in canonical order: 0.4 % of XNLI's Arabic sentences.
    """
    from tokenizers import (
        AddedToken,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    tokenizer = Tokenizer(models.Unigram(scored, unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(FULL_WIDTH_TILDE, STAND_IN),
            normalizers.Nmt(),
            normalizers.NFKC(),
            normalizers.Replace(STAND_IN, FULL_WIDTH_TILDE),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement=WORD_START)]
    )
    tokenizer.decoder = decoders.Metaspace(replacement=WORD_START)
    # The mask takes the space before it along, so that "a <mask>" has no bare word start.
    tokenizer.add_special_tokens(
        [
            AddedToken(name, lstrip=name == "<mask>", normalized=False, special=True)
            for name in dict.fromkeys(SPECIAL_NAMES.values())
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("<s>", "</s>")],
    )
    return tokenizer


def save_tokenizer(
    folder: Path, pipeline: str, special_names: Mapping[str, str], max_length: int
) -> None:
    """Writes tokenizer.json (`pipeline`, as is) and tokenizer_config.json into `folder`.

    The class is the generic one: `XLMRobertaTokenizer` would rebuild the pipeline from its pieces
    alone and lose the normaliser. No token types: they carry nothing in this family.
    """
    write_text(folder / "tokenizer.json", pipeline)
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": max_length,
            "model_input_names": ["input_ids", "attention_mask"],
            "clean_up_tokenization_spaces": False,
            **special_names,
        },
    )
