"""Encoders of a stated shape with random weights: speed and memory do not depend on the weights."""

from pathlib import Path

from dstilts.core.cache import cache_folder
from dstilts.core.digest import short_key
from dstilts.core.logs import log
from dstilts.core.registry import lookup

# Of XLM-R (arXiv 1911.02116): layers, hidden size, heads, size of the feed-forward layer. Tiny is
# for trying a whole grid out in minutes: it learns nothing worth a score.
SHAPES = {"tiny": (2, 32, 2, 64), "base": (12, 768, 12, 3072), "large": (24, 1024, 16, 4096)}
TINY = "tiny"

_VOCABULARY = 250_002
_POSITIONS = 514  # the first token's is the one behind the padding's


def tiny_encoder_folder() -> Path:
    """The folder of the tiny encoder, written on first use; it reads as the default one does."""
    from dstilts.core.built_once import built_once
    from dstilts.models.default import CONVERSION_VERSION, SOURCE_SHA256

    key = short_key([SHAPES[TINY], SOURCE_SHA256, CONVERSION_VERSION])
    folder = cache_folder("encoders", f"{TINY}-{key}")
    return built_once(folder, lambda temporary: write_encoder(temporary, TINY, "default", seed=1))


def write_encoder(folder: Path, shape: str, tokenizer_of: str, seed: int) -> None:
    """Writes an XLM-R of a shape with random fp32 weights as a Hugging Face folder.

    Args:
        tokenizer_of: the encoder whose tokenizer goes with it.

    Raises:
        UserError: an unknown shape, or no such encoder.
    """
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel

    from dstilts.models.encoder import load_encoder

    layers, hidden, heads, wide = lookup("shape", shape, SHAPES)
    tokenizer = load_encoder(tokenizer_of).tokenizer
    log(f"making an encoder of the shape of XLM-R {shape} with random weights")
    config = XLMRobertaConfig(
        vocab_size=max(_VOCABULARY, len(tokenizer)),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=wide,
        max_position_embeddings=_POSITIONS,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = XLMRobertaModel(config, add_pooling_layer=False)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
