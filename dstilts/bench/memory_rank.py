"""What a rank of a memory measurement runs: `python -m dstilts.bench.memory_rank JOB.json`.

It trains a few steps with the real engine and looks at the live tensors behind every backward
pass, when gradients are there and activations are not. It writes `memory-<rank>.json` into the
job's output folder.
"""

import dataclasses
import gc
import importlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dstilts.bench.job import read_examples, read_job
from dstilts.bench.measure import MemoryWatch
from dstilts.bench.ours import train_with_dstilts
from dstilts.core.errors import RunError, UserError
from dstilts.core.files import write_json
from dstilts.core.process_group import launched_ranks
from dstilts.core.resident import resident_bytes

# What training imports late is part of the base, not of what training needs.
importlib.import_module("dstilts.engine.train")
importlib.import_module("torch.utils.tensorboard")
importlib.import_module("deepspeed")


@dataclass(frozen=True)
class LiveBytes:
    """The storages of a rank's live tensors by what they are for, each counted once."""

    num_trained: int  # parameters
    parameters: int
    gradients: int
    master_weights: int
    moments: int
    others: int  # buffers of communication, weights that are not trained, batches

    @property
    def total(self) -> int:
        """Of states and gradients."""
        return self.parameters + self.gradients + self.master_weights + self.moments


def live_bytes(engine: Any) -> LiveBytes:
    """What a DeepSpeed engine's rank holds now."""
    trained = [p for p in engine.module.parameters() if p.requires_grad]
    adam = _adam(engine.optimizer)
    masters = list(_masters(engine.optimizer, adam))
    moments = [
        state[name]
        for state in adam.state.values()
        for name in ("exp_avg", "exp_avg_sq")
        if name in state
    ]
    seen: set[int] = set()
    return LiveBytes(
        num_trained=sum(int(getattr(p, "ds_numel", p.numel())) for p in trained),
        parameters=_storages(_held(trained), seen),
        moments=_storages(moments, seen),
        master_weights=_storages(masters, seen),
        gradients=_storages(_gradients(engine.optimizer, trained, masters), seen),
        others=_storages(_all_tensors(), seen),
    )


def _adam(optimizer: Any) -> torch.optim.Optimizer:
    """The AdamW inside DeepSpeed's wrapper, if there is one."""
    while not isinstance(optimizer, torch.optim.Optimizer):
        optimizer = optimizer.optimizer
    return optimizer


def _masters(optimizer: Any, adam: torch.optim.Optimizer) -> Iterator[Tensor]:
    for name in ("single_partition_of_fp32_groups", "fp32_partitioned_groups_flat"):
        yield from getattr(optimizer, name, ())
    for group in adam.param_groups:
        yield from group["params"]


def _held(parameters: Iterable[Any]) -> Iterator[Tensor]:
    """Parameters as they lie in memory: whole, or under stage 3 the rank's part of each."""
    for parameter in parameters:
        yield parameter.data
        if hasattr(parameter, "ds_tensor"):
            yield parameter.ds_tensor


def _gradients(optimizer: Any, trained: Iterable[Tensor], masters: list[Tensor]) -> Iterator[Any]:
    """Wherever a stage puts them."""
    yield from (parameter.grad for parameter in [*trained, *masters])
    for name in ("averaged_gradients", "all_grad_tensors"):
        for tensors in dict(getattr(optimizer, name, None) or {}).values():
            yield from tensors if isinstance(tensors, list | tuple) else [tensors]
    yield getattr(optimizer, "grad_partitions_flat_buffer", None)


def _all_tensors() -> Iterator[Any]:
    for thing in gc.get_objects():
        # Tensors of other classes, which tracing leaves behind, have no memory.
        if type(thing) in (Tensor, torch.nn.Parameter):
            yield thing


def _storages(tensors: Iterable[Any], seen: set[int]) -> int:
    """Bytes of the tensors' storages that were not counted before."""
    total = 0
    for tensor in tensors:
        if not isinstance(tensor, Tensor) or tensor.layout != torch.strided:
            continue
        if torch.cuda.is_available() and not tensor.is_cuda:
            continue  # what was taken to the host
        storage = tensor.untyped_storage()
        if storage.nbytes() and storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            total += storage.nbytes()
    return total


class _Probe:
    """Looks at the engine after every backward pass, and keeps what was most.

    The first step does not count: AdamW's state is made in it.
    """

    def __init__(self) -> None:
        self.found: LiveBytes | None = None
        self._num_steps = 0

    def install(self) -> None:
        """Puts the look in front of the step of every engine of this process."""
        from deepspeed.runtime.engine import DeepSpeedEngine

        take_step = DeepSpeedEngine.step

        def step(engine: Any, *arguments: Any, **options: Any) -> Any:
            # Called after every pass; but for the last one of a step it only counts.
            if self._num_steps:
                found = live_bytes(engine)
                if self.found is None or found.total > self.found.total:
                    self.found = found
            self._num_steps += engine.is_gradient_accumulation_boundary()
            return take_step(engine, *arguments, **options)

        DeepSpeedEngine.step = step


def main(arguments: list[str]) -> int:
    """Runs the job in the last argument; launchers put theirs before it."""
    job, group = read_job(Path(arguments[-1])), launched_ranks()
    probe = _Probe()
    probe.install()
    base = resident_bytes() or 0
    try:
        with MemoryWatch():
            trained = train_with_dstilts(job, group, read_examples(job.examples))
        assert probe.found is not None, "the engine took fewer than two steps"
    except (UserError, RunError) as error:
        print(f"dstilts: {error}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 1
    found = dataclasses.asdict(probe.found)
    on_gpu = torch.cuda.is_available()
    peak = {"peak_above_base": trained.peak_memory - (0 if on_gpu else base)}
    write_json(job.output / f"memory-{group.rank}.json", {**found, **peak, "on_gpu": on_gpu})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
