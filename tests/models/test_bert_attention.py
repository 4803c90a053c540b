"""BERT's attention on packed rows, and its last layer for first tokens alone."""

import copy

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from dstilts.models.bert_attention import BERT_TYPES, has_bert_layers
from dstilts.models.layers import checkpoint_activations, encoder_layers
from dstilts.models.multitask import MultiTaskModel
from dstilts.models.packing import PACKED_TYPES, enable_packing, encode_packed, pack
from tests.models.packing import HEADS, LENGTHS, batch, both, small_encoder

TOLERANCE = 1e-5


def packing_encoder(kind: str, dropout: float = 0.0) -> PreTrainedModel:
    encoder = small_encoder(kind, dropout=dropout)
    enable_packing(encoder)
    return encoder


def gradients(encoder: PreTrainedModel, states_BH: Tensor) -> dict[str, Tensor]:
    weights = torch.linspace(-1, 1, states_BH.numel()).view(states_BH.shape)
    named = dict(encoder.named_parameters())
    found = torch.autograd.grad((states_BH * weights).sum(), named.values(), allow_unused=True)
    return {n: g for n, g in zip(named, found, strict=True) if g is not None}


@pytest.mark.parametrize("kind", sorted(BERT_TYPES))
@pytest.mark.parametrize("is_checkpointed", [False, True])
def test_states_and_gradients_are_those_of_the_whole_layer(
    kind: str, is_checkpointed: bool
) -> None:
    encoder = packing_encoder(kind).train()  # without dropout
    packed = pack(batch("nli"), encoder.config)
    whole_BH = encode_packed(encoder, packed)[:, 0]
    wanted = gradients(encoder, whole_BH)
    if is_checkpointed:
        checkpoint_activations(encoder)
    first_B1H = encode_packed(encoder, packed, first_only=True)
    assert first_B1H.shape == (len(LENGTHS), 1, 32)
    torch.testing.assert_close(first_B1H[:, 0], whole_BH, atol=TOLERANCE, rtol=TOLERANCE)
    found = gradients(encoder, first_B1H[:, 0])
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        difference = float((found[name] - gradient).abs().max())
        assert difference <= TOLERANCE * max(1.0, float(gradient.abs().max())), name


def inputs_of(module: nn.Module) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = []
    module.register_forward_pre_hook(lambda _, inputs: shapes.append(tuple(inputs[0].shape)))
    return shapes


@pytest.mark.parametrize(("head", "is_less"), [("nli", True), ("lareqa", True), ("pos", False)])
def test_which_heads_save_the_work(head: str, is_less: bool) -> None:
    model = MultiTaskModel(packing_encoder("xlm-roberta"), HEADS, seed=1)
    _, packed = both(head, model.encoder)
    last = encoder_layers(model.encoder)[-1]
    shapes = [inputs_of(module) for module in (last.attention.output, last.output)]
    model(packed)
    num_rows = len(packed["cu_seqlens"]) - 1
    num_tokens = packed["input_ids"].shape[1]
    expected = num_rows if is_less else num_tokens
    assert [each[0][1] for each in shapes] == [expected, expected]


def test_modules_are_called_in_the_same_order() -> None:
    """ZeRO-3 fetches weights ahead by the order of the step before."""
    encoder = packing_encoder("xlm-roberta")
    packed = pack(batch("nli"), encoder.config)
    calls: list[str] = []
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Linear):
            module.weight.ds_id = 0  # as ZeRO-3 marks what it shards
        module.register_forward_pre_hook(lambda *_, name=name: calls.append(name))
    encode_packed(encoder, packed)
    whole, calls[:] = list(calls), []
    assert sum(".attention.self." in name for name in whole) == 6
    encode_packed(encoder, packed, first_only=True)
    assert calls == whole


def test_other_linear_modules_are_called() -> None:
    """Quantised ones have no weight to be joined."""
    encoder = packing_encoder("xlm-roberta")
    packed = pack(batch("nli"), encoder.config)
    whole = encode_packed(encoder, packed)
    for layer in encoder_layers(encoder):
        for name in ("query", "key", "value"):
            setattr(layer.attention.self, name, Wrapped(getattr(layer.attention.self, name)))
    for first_only, expected in ((False, whole), (True, whole[:, :1])):
        found = encode_packed(encoder, packed, first_only=first_only)
        torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=TOLERANCE)


class Wrapped(nn.Module):
    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, states: Tensor) -> Tensor:
        return self.linear(states)


def test_a_copy_has_layers_of_its_own() -> None:
    encoder = packing_encoder("xlm-roberta")
    packed = pack(batch("nli"), encoder.config)
    before = encode_packed(encoder, packed, first_only=True)
    copied = copy.deepcopy(encoder)
    for parameter in copied.parameters():
        parameter.data.mul_(1.5)
    assert torch.equal(encode_packed(encoder, packed, first_only=True), before)
    assert not torch.allclose(encode_packed(copied, packed, first_only=True), before)


@pytest.mark.parametrize("kind", sorted(PACKED_TYPES - BERT_TYPES))
def test_other_types_compute_the_whole_layer(kind: str) -> None:
    encoder = packing_encoder(kind)
    assert not has_bert_layers(encoder)
    packed = pack(batch("nli"), encoder.config)
    whole = encode_packed(encoder, packed)
    assert torch.equal(encode_packed(encoder, packed, first_only=True), whole)
