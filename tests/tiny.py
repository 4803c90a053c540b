"""Tiny stand-ins for the real thing: a tokenizer shaped like XLM-R's, and random encoders."""

import math
import unicodedata
from collections import Counter
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, Unigram
from transformers import (
    BertConfig,
    BertModel,
    ModernBertConfig,
    ModernBertModel,
    MT5Config,
    MT5EncoderModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
)

SENTENCES = {
    "en": "The old teacher reads a new book in the small garden. Where does the river flow? "
    "Maria bought three apples, two books and a red car in London in 1998. The book was new.",
    "de": "Der alte Lehrer liest ein neues Buch im kleinen Garten. Wohin fließt der Fluss? "
    "Maria kaufte 1998 in London drei Äpfel, zwei Bücher und ein rotes Auto.",
    "ru": "Старый учитель читает новую книгу в маленьком саду. Куда течёт река? "
    "Мария купила в Лондоне три яблока, две книги и красную машину.",
    "ar": "يقرأ المعلم كتابا جديدا في الحديقة الصغيرة. إلى أين يجري النهر؟ "
    "اشترت ماريا ثلاث تفاحات.",
    "hi": "शिक्षक छोटे बगीचे में एक नई किताब पढ़ता है। नदी कहाँ बहती है? मारिया ने तीन सेब खरीदे।",
    "zh": "老师在小花园里看一本新书。这条河流向哪里？玛丽亚在伦敦买了三个苹果和两本书。",
    "ja": "先生は小さな庭で新しい本を読みます。川はどこへ流れますか？"
    "マリアはロンドンで本を買いました。",
    "th": "ครูเก่าอ่านหนังสือใหม่ในสวนเล็ก แม่น้ำไหลไปที่ไหน มาเรียซื้อแอปเปิลสามลูกในลอนดอน",
    "ko": "선생님이 작은 정원에서 새 책을 읽습니다. 강은 어디로 흐릅니까? "
    "마리아는 사과 세 개를 샀습니다.",
}
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
SPACE = "\u2581"
_PRINTABLE_ASCII = [chr(code) for code in range(0x21, 0x7F)]
_LONGEST_PIECE = 8


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A Unigram tokenizer with XLM-R's specials, U+2581 for spaces and `<s> A </s></s> B </s>`.

    Every character of `SENTENCES` and of printable ASCII is a piece, as is each run of characters
    that the sentences have twice; anything else becomes `<unk>`. Characters of no width vanish,
    as in XLM-R, so that there are words without a single sub-token.
    """
    tokenizer = Tokenizer(Unigram(_pieces(), unk_id=SPECIALS.index("<unk>")))
    invisible = normalizers.Replace(Regex("[\u200b\u200e\u200f\ufeff]"), "")
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), invisible])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_input_names=["input_ids", "attention_mask"],
    )


def byte_level_tokenizer() -> PreTrainedTokenizerFast:
    """As RoBERTa's and ModernBERT's: a word inside a sentence begins with a space. No specials."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE({piece: i for i, piece in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def _pieces() -> list[tuple[str, float]]:
    """Pieces with log probabilities by count: a fixed vocabulary, where training would vary."""
    normal = (unicodedata.normalize("NFKC", text) for text in SENTENCES.values())
    words = [SPACE + word for text in normal for word in text.split()]
    counts: Counter[str] = Counter()
    for word in words:
        for start in range(len(word)):
            counts.update(word[start:end] for end in _ends(word, start))
    repeated = {piece: n for piece, n in counts.items() if n > 1 and len(piece) > 1}
    characters = sorted({*"".join(words), *_PRINTABLE_ASCII})
    total = sum(counts.values())
    return [
        *((special, 0.0) for special in SPECIALS),
        *((piece, math.log(n / total)) for piece, n in sorted(repeated.items())),
        *((character, math.log(0.5 / total)) for character in characters),
        ("<mask>", 0.0),  # the last one, as in XLM-R
    ]


def _ends(word: str, start: int) -> range:
    return range(start + 1, min(start + _LONGEST_PIECE, len(word)) + 1)


def tiny_encoder(folder: Path, kind: str = "xlm-roberta", *, seed: int = 0) -> Path:
    """Writes a random encoder of two layers with the tiny tokenizer as a Hugging Face folder.

    Args:
        kind: xlm-roberta, bert, mt5 (its encoder) or modernbert.
        seed: of the weights.
    """
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = tiny_tokenizer()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = _random_encoder(kind, len(tokenizer))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _random_encoder(kind: str, vocabulary: int) -> PreTrainedModel:
    sizes = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    specials = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
    match kind:
        case "xlm-roberta":
            # 130 positions: two before the first token's, as in XLM-R's 514.
            config = XLMRobertaConfig(
                **sizes, **specials, max_position_embeddings=130, type_vocab_size=1
            )
            return XLMRobertaModel(config, add_pooling_layer=False)
        case "bert":
            return BertModel(
                BertConfig(**sizes, pad_token_id=1, max_position_embeddings=128),
                add_pooling_layer=False,
            )
        case "mt5":
            config = MT5Config(
                vocab_size=vocabulary,
                d_model=32,
                d_kv=16,
                d_ff=64,
                num_layers=2,
                num_heads=2,
                pad_token_id=1,
                eos_token_id=2,
            )
            return MT5EncoderModel(config)
        case "modernbert":
            config = ModernBertConfig(
                **sizes, **specials, cls_token_id=0, sep_token_id=2, max_position_embeddings=128
            )
            return ModernBertModel(config)
    raise ValueError(kind)
