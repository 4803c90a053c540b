"""Packed batches against padded ones, for every type of encoder and every head."""

from pathlib import Path

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AutoConfig, AutoModel, PreTrainedModel

from dstilts.models import packed_attention
from dstilts.models.encoder import load_encoder
from dstilts.models.multitask import MultiTaskModel, encoder_inputs
from dstilts.models.packing import (
    PACKED_TYPES,
    enable_packing,
    encode_packed,
    is_packed,
    pack,
    position_ids,
    supports_packing,
)
from tests.models.packing import HEADS, LENGTHS, batch, both, small_encoder
from tests.tiny import tiny_encoder

TOLERANCE = 1e-5


def packing_encoder(kind: str, dropout: float | None = 0.0) -> PreTrainedModel:
    encoder = small_encoder(kind, dropout=dropout)
    enable_packing(encoder)
    return encoder


def outcome(model: MultiTaskModel, inputs: dict) -> tuple[float, dict[str, torch.Tensor]]:
    """The loss of a batch and all gradients."""
    model.zero_grad()
    loss = model(inputs)
    loss.backward()
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return float(loss.detach()), gradients


@pytest.mark.parametrize("kind", sorted(PACKED_TYPES))
def test_states_are_those_of_the_padded_batch(kind: str) -> None:
    encoder = small_encoder(kind)
    padded = batch("nli", with_types=kind == "bert")
    with torch.no_grad():
        before = encoder(**encoder_inputs(padded)).last_hidden_state
        enable_packing(encoder)
        # Padded batches go on as they did, to the last bit.
        assert torch.equal(encoder(**encoder_inputs(padded)).last_hidden_state, before)
        states = encode_packed(encoder, pack(padded, encoder.config))
    is_token = padded["attention_mask"].bool()
    torch.testing.assert_close(states[is_token], before[is_token], atol=TOLERANCE, rtol=TOLERANCE)
    assert not states[~is_token].any()


@pytest.mark.parametrize("head", sorted(HEADS))
@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "modernbert", "eurobert"])
def test_losses_and_gradients_are_those_of_the_padded_batch(kind: str, head: str) -> None:
    model = MultiTaskModel(packing_encoder(kind), HEADS, seed=1).eval()
    padded, packed = both(head, model.encoder, with_types=kind == "bert")
    loss, gradients = outcome(model, padded)
    packed_loss, packed_gradients = outcome(model, packed)
    assert packed_loss == pytest.approx(loss, rel=TOLERANCE)
    assert set(packed_gradients) == set(gradients)
    for name, gradient in gradients.items():
        difference = float((packed_gradients[name] - gradient).abs().max())
        assert difference <= TOLERANCE * max(1.0, float(gradient.abs().max())), name
    predicted, by_packed = model.predict(padded), model.predict(packed)
    if head in ("pos", "span"):
        is_token = padded["attention_mask"].bool()
        predicted, by_packed = predicted[is_token], by_packed[is_token]
    torch.testing.assert_close(by_packed, predicted, atol=TOLERANCE, rtol=TOLERANCE)


def test_rows_that_saw_each_other_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the tests above would prove nothing."""
    model = MultiTaskModel(packing_encoder("xlm-roberta"), HEADS, seed=1)
    padded, packed = both("nli", model.encoder)

    def attend_all(query, key, value, rows, dropout, scaling, reach):  # type: ignore[no-untyped-def]
        query, key, value = (each.transpose(0, 1) for each in (query, key, value))
        return scaled_dot_product_attention(query, key, value, scale=scaling).transpose(0, 1)

    loss, gradients = outcome(model, padded)
    monkeypatch.setattr(packed_attention, "kernel_for", lambda *_: attend_all)
    other_loss, other_gradients = outcome(model, packed)
    assert abs(other_loss - loss) > 1e-3
    worst = max(float((other_gradients[n] - g).abs().max()) for n, g in gradients.items())
    assert worst > 1e-2


def test_a_batch_is_packed_with_the_shortest_rows_first() -> None:
    config = small_encoder("xlm-roberta").config
    padded = {
        "input_ids": torch.tensor([[0, 5, 6, 2], [0, 1, 2, 1], [0, 7, 2, 1]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 0]]),
        "token_type_ids": torch.tensor([[0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 1, 0]]),
        "label": torch.tensor([4, 5, 6]),
    }
    packed = pack(padded, config)
    assert packed["input_ids"].tolist() == [[0, 1, 2, 0, 7, 2, 0, 5, 6, 2]]
    # XLM-R counts from 2, and a padding id that is a token stands at the padding's position.
    assert packed["position_ids"].tolist() == [[2, 1, 3, 2, 3, 4, 2, 3, 4, 5]]
    assert packed["token_type_ids"].tolist() == [[0, 1, 1, 0, 0, 1, 0, 0, 1, 1]]
    assert packed["cu_seqlens"].tolist() == [0, 3, 6, 10]
    assert packed["cu_seqlens"].dtype == torch.int32
    assert packed["places"].tolist() == [4, 5, 6, 8, 9, 10, 0, 1, 2, 3]
    assert packed["label"].tolist() == [4, 5, 6]
    assert packed["attention_mask"] is padded["attention_mask"]
    assert is_packed(packed)
    assert not is_packed(padded)


@pytest.mark.parametrize("kind", sorted(PACKED_TYPES))
def test_positions_are_counted_as_the_encoder_counts_them(kind: str) -> None:
    encoder = small_encoder(kind)
    positions = position_ids(batch("nli")["input_ids"], encoder.config)
    embeddings = getattr(encoder, "embeddings", None)
    count = getattr(embeddings, "create_position_ids_from_input_ids", None)
    if count is None:
        assert positions[0].tolist() == list(range(max(LENGTHS)))
    else:
        expected = count(batch("nli")["input_ids"], embeddings.padding_idx)
        assert torch.equal(positions, expected)


@pytest.mark.parametrize("kind", ["mt5", "deberta", "rembert", "convbert", "mpnet", "xlm"])
def test_other_encoders_are_known_to_stay_padded(kind: str) -> None:
    assert not supports_packing(small_encoder(kind))


def test_the_saved_encoder_says_nothing_of_it(tmp_path: Path) -> None:
    encoder = load_encoder(str(tiny_encoder(tmp_path / "tiny"))).model
    enable_packing(encoder)
    encoder.save_pretrained(tmp_path / "saved")
    assert packed_attention.NAME not in (tmp_path / "saved" / "config.json").read_text()
    assert AutoConfig.from_pretrained(tmp_path / "saved")._attn_implementation != (
        packed_attention.NAME
    )
    AutoModel.from_pretrained(tmp_path / "saved")


def test_dropout_drops_in_packed_batches_too_and_depends_on_the_seed_alone() -> None:
    model = MultiTaskModel(packing_encoder("xlm-roberta", dropout=0.1), HEADS, seed=1).train()
    _, packed = both("nli", model.encoder)
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        losses.append(float(model(packed).detach()))
    assert losses[0] == losses[1] != losses[2]


def test_nothing_is_read_back_from_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors of the meta device have shapes but no values: a host-device sync would fail."""
    for kernel in (packed_attention.attend_flash, packed_attention.attend_padded):
        encoder = packing_encoder("modernbert").to("meta")
        monkeypatch.setattr(packed_attention, "kernel_for", lambda *_, kernel=kernel: kernel)
        packed = pack(batch("pos"), encoder.config)
        states = encode_packed(encoder, {n: tensor.to("meta") for n, tensor in packed.items()})
        assert states.shape == (len(LENGTHS), max(LENGTHS), 32)
        states.sum().backward()
        assert all(p.grad is not None for p in encoder.layers.parameters())
