"""From the typed configuration of a phase to DeepSpeed's own JSON.

`python -m dstilts.engine.deepspeed_config FOLDER` writes the files of ds_configs/.
"""

import sys
from pathlib import Path
from typing import Any, Literal, get_args

from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.engine.phase import BatchConfig, EngineConfig, Offload, Precision, ScheduleConfig

Device = Literal["cpu", "cuda"]

# How DeepSpeed does its work: the user's own file may say otherwise.
_TUNING = {"overlap_comm", "reduce_bucket_size", "allgather_bucket_size", "contiguous_gradients"}
_TUNING |= {"pin_memory", "wall_clock_breakdown"}

# Elements of a communication bucket. DeepSpeed's default of 5e8 allocates 2 GB a rank in fp32.
_BUCKET_SIZE = 20_000_000


def deepspeed_config(
    schedule: ScheduleConfig,
    batch: BatchConfig,
    engine: EngineConfig,
    *,
    world_size: int,
    device: Device,
    fuse: int = 1,
) -> dict[str, Any]:
    """DeepSpeed's configuration of one phase.

    DeepSpeed counts samples; one of its samples is one pass: `fuse` of our micro-batches. The
    optimizer and the learning rates are not in it: they are passed in (torch AdamW needs no
    compiler, and rates are a function of the step).

    Raises:
        UserError: the ranks cannot divide a step's micro-batches evenly, or `engine.deepspeed`
            contradicts the rest of the configuration.
    """
    check_division(batch, world_size, fuse)
    num_passes = batch.micro_batches // fuse
    precision = engine.precision
    settings = {
        "train_batch_size": num_passes,
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": num_passes // world_size,
        # Always written down: left out, DeepSpeed clips at 1.0.
        "gradient_clipping": schedule.clip_norm,
        "bf16": {"enabled": precision == "bf16"},
        **({"fp16": {"enabled": True, "loss_scale": 0}} if precision == "fp16" else {}),
        "zero_optimization": _zero(engine, device),
        # torch's own AdamW also where its state is offloaded: the other one needs a compiler.
        **({"zero_force_ds_cpu_optimizer": False} if engine.offload != "none" else {}),
        "wall_clock_breakdown": False,
    }
    if engine.deepspeed is not None:
        _take_over(settings, read_json(engine.deepspeed), "", engine.deepspeed)
    return settings


def _take_over(ours: dict[str, Any], theirs: object, where: str, file: Path) -> None:
    """Adds the user's own DeepSpeed settings; what both state must agree, but for tuning."""
    if not isinstance(theirs, dict):
        raise UserError(f"{where or 'the file'} must be a JSON object", file=file)
    for key, value in theirs.items():
        name = f"{where}.{key}" if where else key
        if value == "auto":
            continue
        if isinstance(ours.get(key), dict):
            _take_over(ours[key], value, name, file)
        elif key in ours and key not in _TUNING and ours[key] != value:
            raise UserError(
                f"{name} = {value!r} contradicts the phase, which makes it {ours[key]!r}",
                file=file,
                remedy="change the phase, or write 'auto' here",
            )
        else:
            ours[key] = value


def check_division(batch: BatchConfig, world_size: int, fuse: int = 1) -> None:
    """Compares a step's micro-batches with the ranks: passes x ranks have to be the stated step.

    Raises:
        UserError: the ranks cannot divide the micro-batches of each drawn task evenly.
    """
    for_each = batch.micro_batches // batch.tasks_per_step
    if for_each % (world_size * fuse) == 0:
        return
    of = f" for each of {batch.tasks_per_step} tasks" if batch.tasks_per_step > 1 else ""
    fused = f" in passes of {fuse}" if fuse > 1 else ""
    raise UserError(
        f"batch.micro_batches = {batch.micro_batches}{of} cannot be divided by {world_size} ranks"
        f"{fused}",
        remedy=f"choose a multiple of {world_size * fuse * batch.tasks_per_step}",
    )


def shipped_configs() -> dict[str, dict[str, Any]]:
    """The files of ds_configs/ by name, for two ranks: what each kind of machine is good for."""
    engines: dict[str, tuple[EngineConfig, Device]] = {}
    devices: tuple[Device, ...] = ("cpu", "cuda")
    for device in devices:
        for precision in get_args(Precision):
            if precision == "fp16" and device == "cpu":
                continue
            for stage in _STAGES:
                name = f"zero{stage}-{precision}-{device}"
                engines[name] = EngineConfig(zero_stage=stage, precision=precision), device
        for stage, offload in _OFFLOADED:
            name = f"zero{stage}-offload-{offload}-bf16-{device}"
            config = EngineConfig(zero_stage=stage, precision="bf16", offload=offload)
            engines[name] = config, device
    return {
        f"{name}.json": deepspeed_config(
            ScheduleConfig(), BatchConfig(), engine, world_size=2, device=device
        )
        for name, (engine, device) in engines.items()
    }


_STAGES: tuple[Literal[0, 1, 2, 3], ...] = (0, 1, 2, 3)
_OFFLOADED: tuple[tuple[Literal[2, 3], Offload], ...] = (
    (2, "optimizer"),
    (3, "optimizer"),
    (3, "parameters"),
)


def _zero(engine: EngineConfig, device: Device) -> dict[str, Any]:
    if engine.zero_stage == 0:
        return {"stage": 0}
    settings: dict[str, Any] = {
        "stage": engine.zero_stage,
        "contiguous_gradients": True,
        # Communication beside computation pays on a GPU; gloo would take the cores it runs on.
        "overlap_comm": device == "cuda",
        "reduce_bucket_size": _BUCKET_SIZE,
        "allgather_bucket_size": _BUCKET_SIZE,
    }
    host = {"device": "cpu", "pin_memory": device == "cuda"}
    if engine.offload != "none":
        settings["offload_optimizer"] = host
    if engine.offload == "parameters":
        settings["offload_param"] = host
    return settings


if __name__ == "__main__":
    for file_name, config in shipped_configs().items():
        write_json(Path(sys.argv[1]) / file_name, config)
