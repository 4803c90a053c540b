"""The estimate of memory against what was measured, and against what torch saves."""

from pathlib import Path

import pytest
import torch
from transformers import XLMRobertaConfig, XLMRobertaModel

from dstilts.engine.memory_estimate import ModelSize, pass_bytes, state_bytes
from dstilts.engine.phase import EngineConfig, Offload, Precision
from dstilts.models.encoder import load_encoder

# 16 layers of width 512 with 20,000 words.
MEASURED_MODEL = ModelSize(
    parameters=61_009_922,
    trained=61_009_922,
    largest=20_000 * 512,
    layers=16,
    hidden_size=512,
    inner_size=2048,
    heads=8,
    vocabulary=20_000,
)
# Bytes a parameter that a rank of two held in the backward pass: all tensors of the process,
# counted by their storage, with DeepSpeed 0.19 on CPUs.
MEASURED: dict[tuple[int, Precision, Offload], float] = {
    (0, "fp32", "none"): 16.00,
    (0, "bf16", "none"): 16.00,
    (1, "fp32", "none"): 15.31,
    (1, "bf16", "none"): 10.66,
    (2, "fp32", "none"): 15.46,
    (2, "bf16", "none"): 10.73,
    (3, "fp32", "none"): 15.19,
    (1, "bf16", "optimizer"): 14.33,
    (2, "bf16", "optimizer"): 13.36,
    (3, "bf16", "optimizer"): 12.60,
}


@pytest.mark.parametrize("case", MEASURED)
def test_what_training_keeps(case: tuple[int, Precision, Offload]) -> None:
    stage, precision, offload = case
    engine = EngineConfig(zero_stage=stage, precision=precision, offload=offload)
    need = state_bytes(MEASURED_MODEL, engine, 2)
    per_parameter = (need.device + need.host) / MEASURED_MODEL.parameters
    assert per_parameter == pytest.approx(MEASURED[case], rel=0.1)


def test_offload_takes_from_the_device_what_it_gives_the_host() -> None:
    needs = [
        state_bytes(MEASURED_MODEL, EngineConfig(zero_stage=3, offload=offload), 8)
        for offload in ("none", "optimizer", "parameters")
    ]
    assert needs[0].device > needs[1].device > needs[2].device
    assert needs[0].host < needs[1].host < needs[2].host


def test_more_ranks_keep_less_each() -> None:
    for stage in (1, 2, 3):
        engine = EngineConfig(zero_stage=stage)
        few, many = (state_bytes(MEASURED_MODEL, engine, ranks) for ranks in (2, 16))
        assert many.device < few.device


def test_frozen_weights_need_neither_gradients_nor_states(encoder: Path) -> None:
    model = load_encoder(str(encoder)).model
    config = model.config
    whole = ModelSize.of(model, config, on_cuda=False)
    model.get_input_embeddings().requires_grad_(False)
    frozen = ModelSize.of(model, config, on_cuda=False)
    saved = model.get_input_embeddings().weight.numel()
    assert (whole.parameters, whole.trained - saved) == (frozen.parameters, frozen.trained)
    plain = EngineConfig(zero_stage=0)
    less = state_bytes(whole, plain, 1).device - state_bytes(frozen, plain, 1).device
    assert less == 12 * saved  # a gradient and two moments


def saved_bytes(num_layers: int, dropout: float, checkpoints: bool) -> tuple[int, ModelSize]:
    """What torch keeps for the backward pass of 4 rows of 96 tokens, without the weights."""
    config = XLMRobertaConfig(
        vocab_size=100,
        hidden_size=64,
        num_hidden_layers=num_layers,
        num_attention_heads=4,
        intermediate_size=192,
        pad_token_id=1,
        attention_probs_dropout_prob=dropout,
        use_cache=False,
    )
    model = XLMRobertaModel(config, add_pooling_layer=False).train()
    if checkpoints:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(
            input_ids=torch.full((4, 96), 5), attention_mask=torch.ones(4, 96, dtype=torch.long)
        ).last_hidden_state
    output.sum()
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    total = sum(t.untyped_storage().nbytes() for p, t in kept.items() if p not in weights)
    return total, ModelSize.of(model, config, on_cuda=False)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("checkpoints", [False, True])
def test_a_layer_in_a_pass(dropout: float, checkpoints: bool) -> None:
    (fewer, small), (more, large) = (saved_bytes(n, dropout, checkpoints) for n in (2, 6))
    assert large.stores_scores == (dropout > 0)
    engine = EngineConfig(activation_checkpointing=checkpoints)
    estimates = [pass_bytes(size, engine, 4 * 96, 96).device for size in (small, large)]
    # The estimate is for the most that is kept; dropout of the hidden states is on in all cases.
    assert estimates[1] - estimates[0] == pytest.approx(more - fewer, rel=0.1)


def test_masked_words_cost_their_outputs() -> None:
    engine = EngineConfig()
    plain, masked = (
        pass_bytes(MEASURED_MODEL, engine, 1000, 100, masked=flag).device for flag in (False, True)
    )
    # 150 masked words of 20,000 logits, three times in fp32.
    assert masked - plain == 150 * 20_000 * 3 * 4
