"""Layers of encoders: found, recomputed in the backward pass, compiled."""

import copy
import functools
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dstilts.core.errors import UserError
from dstilts.models.layers import checkpoint_activations, compile_layers, encoder_layers
from dstilts.models.multitask import MultiTaskModel
from dstilts.models.packing import enable_packing, supports_packing
from tests.models.packing import HEADS, both, small_encoder

LAYERS = {
    "albert": ["AlbertLayerGroup"],  # one that is used in every place
    "bert": ["BertLayer"] * 2,
    "convbert": ["ConvBertLayer"] * 2,
    "deberta-v2": ["DebertaV2Layer"] * 2,
    "distilbert": ["TransformerBlock"] * 2,
    "eurobert": ["EuroBertDecoderLayer"] * 2,
    "modernbert": ["ModernBertEncoderLayer"] * 2,
    "mpnet": ["MPNetLayer"] * 2,
    "rembert": ["RemBertLayer"] * 2,
    "xlm-roberta": ["XLMRobertaLayer"] * 2,
}
CHECKPOINTED = ["xlm-roberta", "bert", "modernbert", "albert", "deberta-v2"]


def model(kind: str, dropout: float | None = None) -> MultiTaskModel:
    encoder = small_encoder(kind, dropout=dropout)
    if supports_packing(encoder):
        enable_packing(encoder)
    return MultiTaskModel(encoder, HEADS, seed=1).train()


def batches(of: MultiTaskModel) -> list[dict[str, Tensor | str]]:
    found = both("nli", of.encoder)
    return found if supports_packing(of.encoder) else found[:1]


def outcome(of: MultiTaskModel, batch: dict[str, Tensor | str]) -> tuple[Tensor, list[Tensor]]:
    """The loss of a batch and all gradients, with the dropout of one seed."""
    of.zero_grad()
    torch.manual_seed(5)
    loss = of(batch)
    loss.backward()
    return loss.detach(), [p.grad.clone() for p in of.parameters() if p.grad is not None]


def kept_bytes(of: MultiTaskModel, batch: dict[str, Tensor | str]) -> int:
    """The memory that the forward pass keeps for the backward pass."""
    sizes: list[int] = []

    def note(tensor: Tensor) -> Tensor:
        sizes.append(tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        of(batch)
    return sum(sizes)


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_layers_are_found(kind: str) -> None:
    assert [type(layer).__name__ for layer in encoder_layers(small_encoder(kind))] == LAYERS[kind]


def test_an_encoder_without_layers_of_their_own_is_named() -> None:
    with pytest.raises(UserError, match="'xlm' has no layers"):
        checkpoint_activations(small_encoder("xlm"))


@pytest.mark.parametrize("kind", CHECKPOINTED)
def test_checkpointing_changes_no_bit(kind: str) -> None:
    plain, checkpointed = model(kind, dropout=0.1), model(kind, dropout=0.1)
    names = [name for name, _ in plain.named_parameters()]
    checkpoint_activations(checkpointed.encoder)
    assert [name for name, _ in checkpointed.named_parameters()] == names
    assert list(checkpointed.state_dict()) == list(plain.state_dict())
    for batch in batches(plain):
        loss, gradients = outcome(plain, batch)
        same_loss, same_gradients = outcome(checkpointed, batch)
        assert torch.equal(same_loss, loss)
        assert len(same_gradients) == len(gradients) > 10
        assert all(map(torch.equal, same_gradients, gradients))


def test_dropout_takes_part_in_what_is_compared() -> None:
    plain = model("xlm-roberta", dropout=0.1)
    loss, _ = outcome(plain, batches(plain)[0])
    assert not torch.equal(plain.eval()(batches(plain)[0]), loss)


def test_checkpointing_keeps_little_and_computes_each_layer_twice() -> None:
    plain, checkpointed = model("xlm-roberta"), model("xlm-roberta")
    checkpoint_activations(checkpointed.encoder)
    checkpoint_activations(checkpointed.encoder)  # once more is no more
    for batch in batches(plain):
        assert kept_bytes(checkpointed, batch) < 0.4 * kept_bytes(plain, batch)
    calls = []
    for layer in encoder_layers(checkpointed.encoder):
        # Hooks inside the layer run each time it is computed.
        layer.intermediate.register_forward_hook(lambda *_: calls.append(1))
    outcome(checkpointed, batch)
    assert len(calls) == 4
    checkpointed.eval()(batch)
    assert len(calls) == 6


def test_a_copy_computes_with_its_own_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    first = model("xlm-roberta", dropout=0.0).eval()
    [padded, _] = batches(first)
    compile_quickly(monkeypatch)
    checkpoint_activations(first.encoder)
    compile_layers(first.encoder)
    loss = first(padded).detach()
    second = copy.deepcopy(first)
    for parameter in second.encoder.parameters():
        parameter.data *= 2
    assert not torch.isclose(second(padded).detach(), loss)
    assert torch.equal(first(padded).detach(), loss)


def compile_quickly(patch: pytest.MonkeyPatch) -> None:
    """Graphs and gradients as torch.compile makes them, but no code for them."""
    patch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    torch._dynamo.reset()


@pytest.mark.parametrize(("kind", "is_checkpointed"), [("xlm-roberta", True), ("bert", False)])
def test_graphs_of_layers(
    monkeypatch: pytest.MonkeyPatch, kind: str, is_checkpointed: bool
) -> None:
    compile_quickly(monkeypatch)
    # Outside of graphs dropout draws in its own way.
    monkeypatch.setattr("dstilts.models.dropout.dropout", F.dropout)
    plain, compiled = model(kind, dropout=0.1), model(kind, dropout=0.1)
    compile_layers(compiled.encoder)
    if is_checkpointed:
        checkpoint_activations(compiled.encoder)
    for batch in batches(plain):
        loss, gradients = outcome(plain, batch)
        same_loss, same_gradients = outcome(compiled, batch)
        torch.testing.assert_close(same_loss, loss, atol=1e-6, rtol=1e-6)
        for one, other in zip(same_gradients, gradients, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_compiled_layers_on_the_cpu() -> None:
    """With the code that the compiler makes."""
    torch._dynamo.reset()
    plain, compiled = model("xlm-roberta", 0.0), model("xlm-roberta", 0.0)
    names = list(plain.state_dict())
    compile_layers(compiled.encoder)
    assert list(compiled.state_dict()) == names
    [padded, _] = batches(plain)
    loss, gradients = outcome(plain, padded)
    same_loss, same_gradients = outcome(compiled, padded)
    torch.testing.assert_close(same_loss, loss, atol=1e-6, rtol=1e-6)
    for one, other in zip(same_gradients, gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_without_a_compiler_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\n  in a long\nstory")

    monkeypatch.setattr(torch, "compile", fail)
    encoder = small_encoder("xlm-roberta")
    with pytest.raises(UserError) as caught:
        compile_layers(encoder)
    assert str(caught.value).count("\n") == 0
    assert "No working C++ compiler" in str(caught.value)
    assert "forward" not in vars(encoder_layers(encoder)[0])


def test_a_machine_without_a_compiler(tmp_path: Path) -> None:
    program = (
        "from dstilts.models.layers import _check_compiler\n"
        "from dstilts.core.errors import UserError\n"
        "try:\n    _check_compiler('cpu')\n"
        "except UserError as error:\n    print(error)\n"
    )
    environment = {"PATH": str(tmp_path), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("torch.compile does not work on this cpu: InvalidCxxCompiler")
    assert done.stdout.count("\n") == 1
