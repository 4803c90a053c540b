"""Loads an encoder as a rank of a ZeRO-3 run does, and writes down how much memory that took.

`python -m tests.distributed.loading WARM_UP ENCODER OUT`, started by the deepspeed launcher. The
first encoder, a small one, is loaded before: it brings in the code, which is not measured.
"""

import gc
import json
import sys
from pathlib import Path

import torch

from dstilts.core.process_group import ProcessGroup, launched_ranks
from dstilts.core.resident import peak_resident_bytes
from dstilts.engine.deepspeed_config import deepspeed_config
from dstilts.engine.parent import load_parent
from dstilts.engine.partition import partition_parameters
from dstilts.engine.phase import BatchConfig, EngineConfig, ScheduleConfig
from dstilts.engine.setup import start_processes

_CLEAR = Path("/proc/self/clear_refs")


def load(encoder: str, group: ProcessGroup) -> dict[str, int]:
    """Loads and cuts an encoder; says how far the memory went up, and what it had to hold."""
    gc.collect()
    _CLEAR.write_text("5")  # the peak begins anew
    before = peak_resident_bytes()
    model = load_parent(encoder).bundle.model
    sizes = [parameter.nbytes for parameter in model.parameters()]
    settings = deepspeed_config(
        ScheduleConfig(),
        BatchConfig(),
        EngineConfig(zero_stage=3),
        world_size=group.world_size,
        device="cpu",
    )
    partition_parameters(model, settings, torch.float32, torch.device("cpu"))
    after = peak_resident_bytes()
    shard = sum(parameter.ds_tensor.nbytes for parameter in model.parameters())
    return {"peak": after - before, "whole": sum(sizes), "largest": max(sizes), "shard": shard}


def main(warm_up: str, encoder: str, out: str) -> None:
    """Writes OUT/<rank>.json."""
    group = launched_ranks()
    start_processes(group, 5.0)
    load(warm_up, group)
    Path(out, f"{group.rank}.json").write_text(json.dumps(load(encoder, group)))
    group.barrier()


if __name__ == "__main__":
    main(*[word for word in sys.argv[1:] if not word.startswith("--")])
