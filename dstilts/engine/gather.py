"""The trained weights in fp32, put together from wherever DeepSpeed keeps them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from dstilts.core.process_group import ProcessGroup
from dstilts.engine.fragments import masters_by_parameter


def gather_weights(
    engine: Any, frozen: Mapping[str, Tensor], group: ProcessGroup
) -> dict[str, Tensor]:
    """All parameters and kept buffers of the engine's module in fp32 on the CPU (a collective).

    Parameter by parameter, so that no rank holds a second model; only rank 0 keeps them, the others
    get an empty dictionary. A parameter shared by two modules appears once.

    Args:
        frozen: what was not trained, by name, as it was before the engine took it.
    """
    masters = masters_by_parameter(engine) if engine.zero_optimization_stage() == 0 else {}
    weights: dict[str, Tensor] = {}
    for name, parameter in engine.module.named_parameters():
        full = frozen[name] if name in frozen else _full_parameter(parameter, masters)
        if group.is_main:
            weights[name] = full.detach().float().cpu().clone()
    if group.is_main:
        kept = engine.module.state_dict(keep_vars=False).keys()
        for name, buffer in engine.module.named_buffers():
            if name in kept:
                weights[name] = buffer.detach().cpu().clone()
    return weights


def _full_parameter(parameter: Any, masters: Mapping[int, Tensor]) -> Tensor:
    from deepspeed.utils import safe_get_full_fp32_param

    if id(parameter) in masters:
        return masters[id(parameter)]
    if not hasattr(parameter, "ds_id") and parameter.dtype == torch.float32:
        return parameter  # whole on every rank: stages 1 and 2 in fp32
    full = safe_get_full_fp32_param(parameter)
    assert full is not None, "a trained parameter without a master copy"
    return full
