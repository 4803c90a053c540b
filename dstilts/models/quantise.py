"""int8 for CPUs: the linear layers of an encoder with weights and activations in int8."""

import warnings

import torch
from torch import nn

from dstilts.core.errors import UserError


def quantise(encoder: nn.Module, device: torch.device) -> None:
    """Replaces the linear layers of an encoder, in place.

    Weights have a scale for each output, activations one for each call, taken from what they are
    then. Embeddings and normalisations stay as they are.

    Raises:
        UserError: the device has no such layers.
    """
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

    if device.type != "cpu":
        raise UserError("int8 is for CPUs", remedy="--precision bf16")
    with warnings.catch_warnings():
        # It is to move to another package some day; the versions of torch allowed here have it.
        warnings.simplefilter("ignore")
        quantize_dynamic(encoder, {nn.Linear: per_channel_dynamic_qconfig}, inplace=True)
