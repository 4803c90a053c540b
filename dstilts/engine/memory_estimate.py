"""An estimate of the memory that a rank needs: what training keeps, and what a pass takes on top.

What is kept follows from how DeepSpeed 0.19 lays it out, and is exact but for small buffers. What a
pass takes is an estimate: it depends on the kernels that torch chooses.
"""

from dataclasses import dataclass
from typing import Any

from torch import nn

from dstilts.engine.phase import EngineConfig

# Elements of the buffers in which gradients travel (reduce_bucket_size), and of the parameters that
# stage 3 keeps whole at a time (stage3_max_live_parameters).
BUCKET = 20_000_000
LIVE_PARAMETERS = 1_000_000_000

# The outputs of masked words: logits, their softmax and its gradient, all in fp32.
_MASKED_SHARE, _MASKED_COPIES = 0.15, 3


@dataclass(frozen=True)
class ModelSize:
    """The sizes of a model that its memory follows from; counts are of numbers, not of bytes."""

    parameters: int
    trained: int  # of them
    largest: int  # trained parameter
    layers: int
    hidden_size: int
    inner_size: int  # between the two halves of a layer
    heads: int
    vocabulary: int
    is_gated: bool = False  # the inner part is a product of two
    stores_scores: bool = False  # attention keeps its scores for the backward pass

    @classmethod
    def of(cls, model: nn.Module, encoder_config: Any, *, on_cuda: bool) -> "ModelSize":
        """The sizes of a model whose parameters are whole, whether on this rank's device or not.

        Args:
            model: with or without heads.
            encoder_config: of its encoder.
            on_cuda: whether it is to be trained there.
        """
        sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
        trained = [size for size, is_trained in sizes if is_trained]
        config = encoder_config
        dropout = _first(config, "attention_probs_dropout_prob", "attention_dropout")
        fused = getattr(config, "_attn_implementation", "sdpa") != "eager"
        return cls(
            parameters=sum(size for size, _ in sizes),
            trained=sum(trained),
            largest=max(trained, default=0),
            layers=config.num_hidden_layers,
            hidden_size=config.hidden_size,
            inner_size=int(_first(config, "intermediate_size", "d_ff")),
            heads=config.num_attention_heads,
            vocabulary=config.vocab_size,
            is_gated=bool(getattr(config, "is_gated_act", config.model_type == "modernbert")),
            # Fused attention on a CPU knows no dropout, and torch computes it step by step.
            stores_scores=not fused or (not on_cuda and dropout > 0),
        )


@dataclass(frozen=True)
class Need:
    """Bytes that a rank needs on its device and of its host."""

    device: int
    host: int = 0

    def __add__(self, other: "Need") -> "Need":
        return Need(self.device + other.device, self.host + other.host)


def state_bytes(size: ModelSize, engine: EngineConfig, world_size: int) -> Need:
    """Weights, gradients, master weights, AdamW's moments and DeepSpeed's buffers."""
    width = _width(engine)
    weights, gradients = width * size.parameters, width * size.trained
    # Stages above 0 keep master weights in fp32 even beside weights in fp32.
    has_master = engine.zero_stage > 0 or engine.precision != "fp32"
    states = (12 if has_master else 8) * size.trained
    if engine.zero_stage == 0:
        return Need(weights + gradients + states)
    states, own_gradients = states // world_size, gradients // world_size
    bucket = width * min(BUCKET, size.trained)
    match engine.zero_stage:
        case 1:
            device = weights + gradients + bucket
        case 2:
            # Two buffers under way, beside a gradient that is too large for one.
            on_the_way = min(gradients, 2 * bucket + width * size.largest)
            device = weights + own_gradients + on_the_way
        case _:
            gathered = min(weights, width * LIVE_PARAMETERS)
            device = weights // world_size + own_gradients + bucket + gathered
    if engine.offload == "none":
        return Need(device + states)
    # On the host gradients are there in fp32, and once more on the way.
    host = states + 4 * size.trained // world_size + own_gradients
    if engine.offload == "optimizer":
        return Need(device, host)
    kept = weights // world_size
    return Need(device - kept, host + kept)


def pass_bytes(
    size: ModelSize, engine: EngineConfig, tokens: int, row_length: int, *, masked: bool = False
) -> Need:
    """What the forward pass keeps for the backward pass, at the most.

    Args:
        tokens: of all rows, padding included.
        row_length: tokens of a row.
        masked: whether masked words are predicted.
    """
    hidden, width = size.hidden_size, _width(engine)
    # Of a token in a layer: its input, queries, keys, values, what attention gives, both sums, both
    # outputs and two dropout masks; the inner part before and after its activation.
    layer = 10 * hidden + (4 if size.is_gated else 2) * size.inner_size
    if size.stores_scores:
        layer += 3 * size.heads * row_length
    # The gradients of the layer at hand.
    backward = 4 * hidden + 2 * size.inner_size
    kept = size.layers * hidden + layer if engine.activation_checkpointing else size.layers * layer
    outputs = 4 * _MASKED_COPIES * size.vocabulary * _MASKED_SHARE if masked else 0
    return Need(round(tokens * (width * (kept + backward) + outputs)))


def _first(config: Any, *names: str) -> float:
    """The first of some settings that a configuration has, or 0."""
    values = (getattr(config, name, None) for name in names)
    return next((float(value) for value in values if value is not None), 0.0)


def _width(engine: EngineConfig) -> int:
    """Bytes of a number in the precision that is computed in."""
    return 4 if engine.precision == "fp32" else 2
