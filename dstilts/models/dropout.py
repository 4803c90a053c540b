"""Dropout whose random numbers cost little on a CPU: four values share one draw of 64 bits.

torch draws a number for each value, on one thread. On other devices, and in compiled graphs,
torch's own is used.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_STEPS = 1 << 16  # of a probability: p is rounded to 16 bits, and the scale belongs to that p


class Dropout(nn.Dropout):
    """`nn.Dropout`, but for which values are dropped."""

    def forward(self, values: Tensor) -> Tensor:
        """The values with each dropped by itself; in evaluation as they are."""
        return dropout(values, self.p) if self.training else values


def use_quick_dropout(model: nn.Module) -> None:
    """Puts `Dropout` in the place of each dropout of a model; it has no weights and no names."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Dropout:
                quick = Dropout(child.p)
                quick.training = child.training
                setattr(parent, name, quick)


def dropout(values: Tensor, p: float) -> Tensor:
    """Each value is 0 with probability p, drawn from the device's generator, or else scaled up."""
    dropped = round(p * _STEPS)
    if values.device.type != "cpu" or not 0 < dropped < _STEPS or torch.compiler.is_compiling():
        return F.dropout(values, p)
    output: Tensor = _Dropout.apply(values, dropped)
    return output


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor, dropped: int) -> Tensor:
        keep = _kept(values.shape, dropped)
        context.save_for_backward(keep)
        context.scale = _STEPS / (_STEPS - dropped)
        return (values * keep).mul_(context.scale)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (keep,) = context.saved_tensors
        return (gradient * keep).mul_(context.scale), None


def _kept(shape: torch.Size, dropped: int) -> Tensor:
    """Which values stay: of the 65,536 numbers that 16 bits can be, all but `dropped`."""
    number = shape.numel()
    draws = torch.empty(-(-number // 4), dtype=torch.int64).random_(-(2**63), None)
    return (draws.view(torch.int16)[:number] >= dropped - _STEPS // 2).view(shape)
