"""Processes, optimizer and DeepSpeed engine of a phase."""

import atexit
import gc
import logging
import os
import warnings
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.deepspeed_config import Device, deepspeed_config
from dstilts.engine.partition import partition_parameters
from dstilts.engine.phase import PhaseConfig, Precision, ScheduleConfig
from dstilts.models.multitask import HeadBank, MultiTaskModel

_DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


def start_processes(group: ProcessGroup, timeout_minutes: float) -> None:
    """Connects the ranks of this job, once a process (a collective).

    They are disconnected when the interpreter ends: without that some ranks end in SIGABRT.
    """
    import deepspeed
    import deepspeed.ops

    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
    # DeepSpeed calls collectives under their old names, at every step.
    warnings.filterwarnings("ignore", r"`torch\.distributed\.\w+` is deprecated", FutureWarning)
    # On a CPU this operator would be compiled at first use, for minutes; training never uses it.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    if not dist.is_initialized():
        timeout = timedelta(minutes=timeout_minutes)
        if group.world_size == 1:
            # One process needs no launcher, no port and no MPI, which DeepSpeed would look for.
            os.environ.setdefault("LOCAL_RANK", "0")  # DeepSpeed asks for it
            store = dist.HashStore()  # type: ignore[attr-defined]  # torch does not list it
            dist.init_process_group(_backend(), store=store, rank=0, world_size=1)
        else:
            deepspeed.init_distributed(_backend(), auto_mpi_discovery=False, timeout=timeout)
        atexit.register(_stop_processes)
    deepspeed.init_distributed(_backend(), auto_mpi_discovery=False, verbose=False)


def device_kind() -> Device:
    """What DeepSpeed's accelerator runs on: "cuda", or "cpu"."""
    from deepspeed.accelerator import get_accelerator

    return "cuda" if get_accelerator().device_name() == "cuda" else "cpu"


def check_precision(precision: Precision) -> None:
    """Compares a precision with what the device can.

    Raises:
        UserError: it cannot.
    """
    from deepspeed.accelerator import get_accelerator

    accelerator = get_accelerator()
    able = {"fp16": accelerator.is_fp16_supported, "bf16": accelerator.is_bf16_supported}
    if precision in able and not able[precision]():
        raise UserError(
            f"engine.precision = {precision!r} is not for this device ({device_kind()})",
            remedy="use 'bf16' where it can, 'fp32' otherwise",
        )


def rank_device(group: ProcessGroup) -> torch.device:
    """The device of this rank; on CUDA it also becomes the current one."""
    if device_kind() == "cpu":
        return torch.device("cpu")
    device = torch.device("cuda", group.local_rank)
    torch.cuda.set_device(device)
    return device


def build_engine(
    model: MultiTaskModel, config: PhaseConfig, group: ProcessGroup, fuse: int = 1
) -> Any:
    """The DeepSpeed engine of a model with equal weights on every rank (a collective)."""
    import deepspeed
    from deepspeed.utils import set_z3_leaf_modules

    device, engine_config = rank_device(group), config.engine
    settings = deepspeed_config(
        config.schedule,
        config.batch,
        engine_config,
        world_size=group.world_size,
        device=device_kind(),
        fuse=fuse,
    )
    # Made before the parameters are cut: the groups go by their shapes.
    optimizer = build_optimizer(model, config.schedule)
    # Otherwise a head that a step does not use is stepped again with its last gradient: under
    # stage 3, and under stages 1 and 2 where gradients are kept on the host.
    if engine_config.zero_stage == 3:
        set_z3_leaf_modules(model, [HeadBank])
        partition_parameters(model, settings, _DTYPES[engine_config.precision], device)
    else:
        model.bank.touch_all = engine_config.offload != "none"
        model = model.to(device)
    engine, *_ = deepspeed.initialize(
        model=model,
        optimizer=optimizer,
        config=settings,
        dist_init_required=False,
    )
    engine.train()
    if group.world_size == 1 and engine_config.zero_stage == 0:
        # It would join all gradients to one tensor and take them apart again. What else it does,
        # zeros for missing gradients, the loop does.
        engine.enable_backward_allreduce = False
    _limit_waiting(engine_config.timeout_minutes)
    return engine


def build_optimizer(model: MultiTaskModel, schedule: ScheduleConfig) -> torch.optim.AdamW:
    """AdamW over encoder and heads, without decay on biases and normalisation (the paper's).

    Each group keeps its peak rate as "peak_lr"; the loop sets "lr" before every step.
    """
    head_rate = schedule.head_learning_rate or schedule.learning_rate
    groups = []
    for part, rate in ((model.encoder, schedule.learning_rate), (model.bank, head_rate)):
        trained = [p for p in part.parameters() if p.requires_grad]
        for decay, is_matrix in ((schedule.weight_decay, True), (0.0, False)):
            # Biases and the weights of normalisation layers are the parameters of one dimension.
            parameters = [p for p in trained if (p.dim() > 1) == is_matrix]
            groups.append({"params": parameters, "weight_decay": decay, "peak_lr": rate})
    # The fused step reads every tensor once; it exists on CPU and CUDA.
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=schedule.learning_rate,
        eps=schedule.adam_epsilon,
        fused=True,
    )


def release(engine: Any) -> None:
    """Gives an engine's memory back, so that the next phase of this process has it.

    DeepSpeed leaves cycles behind that the garbage collector cannot see through (stage 3 ties
    parameters to the optimizer by closures): they are cut here, and the weights are let go.
    """
    optimizer, parameters = engine.optimizer, list(engine.module.parameters())
    engine.destroy()
    for parameter in parameters:
        vars(parameter).clear()
        parameter.grad = None
        parameter.data = torch.empty(0)
    vars(optimizer).clear()
    vars(engine).clear()
    del optimizer, parameters
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _backend() -> str:
    from deepspeed.accelerator import get_accelerator

    return str(get_accelerator().communication_backend_name())


def _limit_waiting(minutes: float) -> None:
    """Sets the time after which a collective fails, on every process group.

    DeepSpeed makes groups of its own without passing a timeout on; a rank that hangs would not be
    noticed for torch's default.
    """
    from torch.distributed import distributed_c10d

    for process_group in list(distributed_c10d._world.pg_map):
        distributed_c10d._set_pg_timeout(timedelta(minutes=minutes), process_group)


def _stop_processes() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
