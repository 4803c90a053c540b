"""From the typed configuration of a phase to DeepSpeed's own JSON.

`python -m dstilts.engine.deepspeed_config FOLDER` writes the files of ds_configs/.
"""

import sys
from pathlib import Path
from typing import Any, Literal, get_args

from dstilts.core.errors import UserError
from dstilts.core.files import write_json
from dstilts.engine.phase import BatchConfig, EngineConfig, Precision, ScheduleConfig

Device = Literal["cpu", "cuda"]

# Elements of a communication bucket. DeepSpeed's default of 5e8 allocates 2 GB a rank in fp32.
_BUCKET_SIZE = 20_000_000


def deepspeed_config(
    schedule: ScheduleConfig,
    batch: BatchConfig,
    engine: EngineConfig,
    *,
    world_size: int,
    device: Device,
) -> dict[str, Any]:
    """DeepSpeed's configuration of one phase.

    DeepSpeed counts samples; one of its samples is one of our micro-batches. The optimizer and the
    learning rates are not in it: they are passed in (torch AdamW needs no compiler, and rates are a
    function of the step).

    Raises:
        UserError: the ranks cannot divide a step's micro-batches evenly.
    """
    if batch.micro_batches % world_size:
        raise UserError(
            f"batch.micro_batches = {batch.micro_batches} cannot be divided by {world_size} ranks",
            remedy="choose a multiple of the number of ranks",
        )
    return {
        "train_batch_size": batch.micro_batches,
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": batch.micro_batches // world_size,
        # Always written down: left out, DeepSpeed clips at 1.0.
        "gradient_clipping": schedule.clip_norm,
        "bf16": {"enabled": engine.precision == "bf16"},
        "zero_optimization": _zero(engine.zero_stage, device),
        "wall_clock_breakdown": False,
    }


def shipped_configs() -> dict[str, dict[str, Any]]:
    """The files of ds_configs/ by name: every stage and precision, two ranks, on both devices."""
    configs = {}
    devices: tuple[Device, ...] = ("cpu", "cuda")
    precisions: tuple[Precision, ...] = get_args(Precision)
    for device in devices:
        for precision in precisions:
            for stage in (0, 1, 2, 3):
                name = f"zero{stage}-{precision}-{device}.json"
                configs[name] = deepspeed_config(
                    ScheduleConfig(),
                    BatchConfig(),
                    EngineConfig(zero_stage=stage, precision=precision),
                    world_size=2,
                    device=device,
                )
    return configs


def _zero(stage: int, device: Device) -> dict[str, Any]:
    if stage == 0:
        return {"stage": 0}
    return {
        "stage": stage,
        "contiguous_gradients": True,
        # Communication beside computation pays on a GPU; gloo would take the cores it runs on.
        "overlap_comm": device == "cuda",
        "reduce_bucket_size": _BUCKET_SIZE,
        "allgather_bucket_size": _BUCKET_SIZE,
    }


if __name__ == "__main__":
    for file_name, config in shipped_configs().items():
        write_json(Path(sys.argv[1]) / file_name, config)
