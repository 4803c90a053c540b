"""Where DeepSpeed keeps the state of each parameter in any stage, as views to read and write.

The one file that knows the insides of DeepSpeed's optimizers (0.19): weights in fp32, AdamW's
moments and its count of updates.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from dstilts.checkpoints.shards import Fragment
from dstilts.core.process_group import ProcessGroup

_MOMENTS = ("exp_avg", "exp_avg_sq")


def owned_fragments(engine: Any, group: ProcessGroup) -> list[Fragment]:
    """The state that this rank saves: all ranks' together are the whole, each part once."""
    fragments = list(_fragments(engine))
    if engine.zero_optimization_stage() > 0:
        return fragments
    # Every rank has all of it: each saves an equal stretch of every parameter.
    shares = []
    for fragment in fragments:
        size = -(-len(fragment) // group.world_size)
        share = fragment.part(group.rank * size, (group.rank + 1) * size)
        if len(share):
            shares.append(share)
    return shares


def fillable_fragments(engine: Any) -> list[Fragment]:
    """The state that this rank works on, to be filled; `refresh` has to follow."""
    return list(_fragments(engine))


def num_updates(engine: Any) -> int:
    """How many updates the optimizer has made (a host-device sync)."""
    steps = [state["step"] for state in _adam(engine).state.values() if "step" in state]
    return int(steps[0].item()) if steps else 0


def refresh(engine: Any, updates: int) -> None:
    """Carries filled state to the weights that are computed with (a collective).

    Args:
        updates: what the optimizer is to have counted.
    """
    for state in _adam(engine).state.values():
        # Each its own number: one shared by several groups would be counted up by all of them.
        state["step"] = torch.full_like(state["step"], float(updates))
    optimizer, stage = engine.optimizer, engine.zero_optimization_stage()
    if stage == 3:
        for number in range(len(optimizer.fp32_partitioned_groups_flat)):
            optimizer._reassign_or_swap_out_partitioned_parameters(number)
        persistent = optimizer.persistent_parameters
        if persistent:
            # Small parameters are whole on every rank: let go of the old ones, fetch the new.
            persistent[0].partition(persistent)
            persistent[0].all_gather(persistent)
    elif stage > 0:
        optimizer.update_lp_params()
    else:
        for low, high in _low_and_high(engine):
            if low is not high:
                low.data.copy_(high.data)


def scaler_state(engine: Any) -> dict[str, float]:
    """The state of the loss scaler of fp16; empty in other precisions."""
    scaler = getattr(engine.optimizer, "loss_scaler", None)
    names = ("cur_scale", "cur_iter", "last_overflow_iter", "cur_hysteresis")
    if not engine.fp16_enabled() or scaler is None:
        return {}
    return {name: float(getattr(scaler, name)) for name in names if hasattr(scaler, name)}


def set_scaler_state(engine: Any, state: dict[str, float]) -> None:
    """Gives the loss scaler a state from `scaler_state`."""
    for name, value in state.items():
        setattr(engine.optimizer.loss_scaler, name, value if name == "cur_scale" else int(value))


def masters_by_parameter(engine: Any) -> dict[int, Tensor]:
    """Stage 0: the fp32 weights by the identity of the parameter they belong to."""
    return {id(low): high for low, high in _low_and_high(engine)}


def _fragments(engine: Any) -> Iterator[Fragment]:
    names = {id(p): name for name, p in engine.module.named_parameters()}
    match engine.zero_optimization_stage():
        case 0:
            parts = _whole(engine)
        case 1 | 2:
            parts = _partitions(engine)
        case _:
            parts = _shards(engine)
    for parameter, start, master, state in parts:
        moments = {kind: state[kind] for kind in _MOMENTS}
        yield Fragment(names[id(parameter)], start, {"master": master, **moments})


# Each yields parameter, start in the flattened parameter, fp32 weights and moments.
_Parts = Iterator[tuple[Tensor, int, Tensor, dict[str, Tensor]]]


def _whole(engine: Any) -> _Parts:
    adam = _adam(engine)
    for low, high in _low_and_high(engine):
        state = _adam_state(adam, high)
        yield low, 0, high.data.view(-1), {kind: state[kind].view(-1) for kind in _MOMENTS}


def _partitions(engine: Any) -> _Parts:
    """Stages 1 and 2: a rank has a stretch of each group's parameters laid end to end."""
    optimizer, adam = engine.optimizer, _adam(engine)
    for number, parameters in enumerate(optimizer.bit16_groups):
        flat = optimizer.single_partition_of_fp32_groups[number]
        state = _adam_state(adam, flat)
        for parameter in parameters:
            mapping = parameter._hp_mapping
            if mapping is None:
                continue  # no part of it belongs to this rank
            place = mapping.get_hp_fragment_address()
            stretch = slice(place.start, place.start + place.numel)
            moments = {kind: state[kind][stretch] for kind in _MOMENTS}
            yield parameter, mapping.lp_fragment_address.start, flat.data[stretch], moments


def _shards(engine: Any) -> _Parts:
    """Stage 3: a rank has an equal stretch of every parameter, the last one padded."""
    optimizer, adam = engine.optimizer, _adam(engine)
    rank = torch.distributed.get_rank()
    for parameter in engine.module.parameters():
        if not parameter.requires_grad:
            continue
        group, offset, length = optimizer.grad_position[optimizer.get_param_id(parameter)]
        start = rank * length
        stretch = slice(offset, offset + max(0, min(length, parameter.ds_numel - start)))
        if stretch.start == stretch.stop:
            continue
        flat = optimizer.fp32_partitioned_groups_flat[group]
        state = _adam_state(adam, flat)
        moments = {kind: state[kind][stretch] for kind in _MOMENTS}
        yield parameter, start, flat.data[stretch], moments


def _low_and_high(engine: Any) -> list[tuple[Tensor, Tensor]]:
    """Stage 0: each trained parameter with its fp32 weights, itself if it is in fp32."""
    optimizer = engine.optimizer
    if hasattr(optimizer, "fp16_groups") and hasattr(optimizer, "fp32_groups"):
        return [
            pair
            for lows, highs in zip(optimizer.fp16_groups, optimizer.fp32_groups, strict=True)
            for pair in zip(lows, highs, strict=True)
        ]
    return [(p, p) for group in optimizer.param_groups for p in group["params"]]


def _adam(engine: Any) -> Any:
    """The AdamW that was passed in, inside DeepSpeed's wrapper if there is one."""
    optimizer = engine.optimizer
    while not isinstance(optimizer, torch.optim.Optimizer):
        optimizer = optimizer.optimizer
    return optimizer


def _adam_state(adam: Any, weights: Tensor) -> dict[str, Tensor]:
    """The moments of a tensor; AdamW makes them at its first step, which may be yet to come."""
    state: dict[str, Tensor] = adam.state[weights]
    if not state:
        state["step"] = torch.zeros((), dtype=torch.float32, device=weights.device)
        state.update({kind: torch.zeros_like(weights.data) for kind in _MOMENTS})
    return state
