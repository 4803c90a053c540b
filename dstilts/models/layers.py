"""The layers of an encoder, and two ways to run them: recomputed in the backward pass, compiled."""

import functools
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from dstilts.core.errors import UserError


def encoder_layers(encoder: PreTrainedModel) -> list[nn.Module]:
    """The layers of an encoder in order; one that is used several times stands there once.

    Raises:
        UserError: an encoder whose layers are no modules (XLM, FlauBERT).
    """
    sizes = {encoder.config.num_hidden_layers, getattr(encoder.config, "num_hidden_groups", None)}
    lists = [
        (name, module)
        for name, module in encoder.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) in sizes
    ]
    # Lists inside a layer (its parts) are none of layers.
    outermost = [
        module
        for name, module in lists
        if not any(name.startswith(f"{other}.") for other, _ in lists)
    ]
    if len(outermost) != 1:
        kind = encoder.config.model_type
        raise UserError(
            f"an encoder of type {kind!r} has no layers that stand by themselves",
            remedy="set engine.activation_checkpointing and engine.compile to false",
        )
    return list(outermost[0])


def checkpoint_activations(encoder: PreTrainedModel) -> None:
    """Keeps of each layer its input only, and computes the rest again in the backward pass.

    Losses and gradients stay what they are to the last bit: the generators of random numbers are
    set back for the second computation, so the same activations are dropped. In evaluation nothing
    changes.

    Raises:
        UserError: the encoder's layers are no modules.
    """
    for layer in encoder_layers(encoder):
        _own_forward(layer).is_checkpointed = True


def compile_layers(encoder: PreTrainedModel, device: str = "cpu") -> None:
    """Compiles each layer for inputs of any length; names of parameters stay what they are.

    The work is done at the first batch: seconds on a GPU, up to a minute on a CPU. Dropout draws
    other numbers than without.

    Args:
        device: that the encoder will be on, "cpu" or "cuda".

    Raises:
        UserError: torch.compile does not work on this machine, or the encoder's layers are no
            modules.
    """
    layers = encoder_layers(encoder)
    _check_compiler(device)
    for layer in layers:
        _own_forward(layer).is_compiled = True


class _Forward:
    """Takes the place of a layer's `forward`; it is no module, so it has no part in any names.

    Checkpointing goes around the compiled function: the graph knows nothing of it. Hooks on the
    layer (ZeRO-3's) stay outside of both.
    """

    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer
        self.is_checkpointed = False
        self.is_compiled = False

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        forward = self._compiled if self.is_compiled else self._plain
        if self.is_checkpointed and self._layer.training and torch.is_grad_enabled():
            return checkpoint(forward, *inputs, use_reentrant=False, **options)
        return forward(*inputs, **options)

    @functools.cached_property
    def _plain(self) -> Any:
        return functools.partial(type(self._layer).forward, self._layer)

    @functools.cached_property
    def _compiled(self) -> Any:
        return torch.compile(type(self._layer).forward.__get__(self._layer), dynamic=True)

    def __getstate__(self) -> dict[str, Any]:
        # A copy belongs to the copied layer, and has to compile for it.
        own = ("_layer", "is_checkpointed", "is_compiled")
        return {name: vars(self)[name] for name in own}


def _own_forward(layer: nn.Module) -> _Forward:
    forward = vars(layer).get("forward")
    if not isinstance(forward, _Forward):
        forward = _Forward(layer)
        layer.forward = forward  # of this layer, not of its class
    return forward


def _check_compiler(device: str) -> None:
    """Compiles a function of one line: compilers, their headers and Triton are then all there."""
    try:
        torch.compile(_one_line)(torch.ones(8, device=device))
    except Exception as error:
        # Dynamo and Inductor wrap whatever went wrong, in a type of their own for each stage. The
        # first line has the cause; advice for their own developers follows.
        cause = str(error).strip().splitlines()[0][:200]
        raise UserError(
            f"torch.compile does not work on this {device}: {cause}",
            remedy="install a C++ compiler (g++), or set engine.compile = false",
        ) from None


def _one_line(values: Tensor) -> Tensor:
    return values * 2 + 1
