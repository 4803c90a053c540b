"""Trial passes of the model before training: how much memory they take, forward and backward."""

import copy
import ctypes
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dstilts.core.resident import peak_resident_bytes, resident_bytes
from dstilts.engine.batches import BatchMaker
from dstilts.engine.fuse import Passes
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.plan import TrainingPlan

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_NUM_STEPS = 100  # of the plan that are looked at for passes
_CLEAR = Path("/proc/self/clear_refs")

Rows = npt.NDArray[np.int64]  # their numbers, or their lengths


@contextmanager
def pass_trial(
    model: nn.Module,
    plan: TrainingPlan,
    batches: BatchMaker,
    config: PhaseConfig,
    device: torch.device,
) -> Iterator[Passes]:
    """Yields what tries passes of so many micro-batches, as a search wants it.

    Nothing of the trials stays: neither gradients nor the state of random numbers.

    Args:
        model: whole and on the host. On a CPU in fp32 it is tried itself, otherwise a copy.
    """
    is_itself = device.type == "cpu" and config.engine.precision == "fp32"
    tried = model if is_itself else _copy(model, device, _DTYPES[config.engine.precision])
    was_training = tried.training
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            tried.train()
            trial = _Trial(tried, plan, batches, config, device)
            trial.prepare()
            yield trial
    finally:
        tried.train(was_training)
        tried.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.empty_cache()


class _Trial:
    def __init__(
        self,
        model: nn.Module,
        plan: TrainingPlan,
        batches: BatchMaker,
        config: PhaseConfig,
        device: torch.device,
    ) -> None:
        self._model, self._plan, self._batches = model, plan, batches
        self._tokens = config.batch.tokens
        removes = config.engine.remove_padding
        self._is_padded = not (device.type == "cuda" if removes is None else removes)
        self._device = device

    def prepare(self) -> None:
        """Leaves gradients behind, as training has them, and what libraries need for themselves."""
        self._meter = PeakMeter(self._device)
        self.run(1)
        self._meter = PeakMeter(self._device)

    def num_tokens(self, fuse: int) -> int:
        """The tokens that the heaviest pass computes, padding included."""
        return max(
            self._area(task, self._heavy(task, passes, fuse))
            for task, passes in self._passes(fuse).items()
        )

    def run(self, fuse: int) -> tuple[int, float]:
        """The peak of the heaviest pass of any task, and the seconds of a usual one."""
        peak, seconds, num_passes = 0, 0.0, 0
        for task, passes in self._passes(fuse).items():
            self._meter.reset()
            self._compute(task, self._heavy(task, passes, fuse))
            peak = max(peak, self._meter.read())
            # After the heavy one nothing is fetched from the system any more.
            usual = sorted(passes, key=lambda chosen: self._area(task, chosen))[len(passes) // 2]
            seconds += len(passes) * self._compute(task, usual)
            num_passes += len(passes)
        return peak, seconds / num_passes

    def _passes(self, fuse: int) -> dict[int, list[Rows]]:
        """The rows of the passes of the first steps, by task."""
        found: dict[int, list[Rows]] = defaultdict(list)
        for step in range(min(_NUM_STEPS, self._plan.num_steps)):
            for parts in self._plan.at(step).of_rank(0, 1, fuse):
                found[parts[0].task].append(np.concatenate([part.rows for part in parts]))
        return found

    def _heavy(self, task: int, passes: Sequence[Rows], fuse: int) -> Rows:
        """What takes most: of the first steps' passes, or one that fills its budget."""
        fullest = heaviest(self._plan.tasks[task].lengths, self._tokens, fuse)
        return max([fullest, *passes], key=lambda chosen: self._area(task, chosen))

    def _area(self, task: int, chosen: Rows) -> int:
        """The tokens that a pass computes: rows of different lengths are padded to the longest."""
        lengths = self._plan.tasks[task].lengths[chosen]
        return int(lengths.max() * len(lengths) if self._is_padded else lengths.sum())

    def _compute(self, task: int, chosen: Rows) -> float:
        """Forward and backward; returns the seconds (a host-device sync)."""
        rows = self._plan.tasks[task]
        tensors = self._batches.of_rows(rows, chosen, 0)
        begin = time.perf_counter()
        inputs = {name: tensor.to(self._device) for name, tensor in tensors.items()}
        self._model({**inputs, "head": rows.head}).backward()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter() - begin


def heaviest(lengths: Rows, tokens: int, fuse: int) -> Rows:
    """Rows that fill `fuse` micro-batches as far as any do: long ones, repeated if need be.

    Args:
        lengths: of all rows.
        tokens: the budget of a micro-batch.
    """
    sizes = np.unique(lengths)
    areas = sizes * np.maximum(1, tokens // sizes)
    # Of those that fill the budget the longest: where scores are stored they cost most.
    length = int(sizes[areas >= 0.9 * areas.max()][-1])
    order = np.argsort(-lengths, kind="stable")
    fitting = order[lengths[order] <= length]
    return np.resize(fitting, fuse * max(1, tokens // length))


def _copy(model: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    return copy.deepcopy(model).to(device, dtype)


class PeakMeter:
    """The most memory that this process takes of a device, beside what it has at the beginning."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            self._base = int(torch.cuda.memory_allocated(device))
        else:
            _give_back()
            self._base = resident_bytes() or peak_resident_bytes()

    def reset(self) -> None:
        """Begins a new measurement, from the same beginning."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return
        _give_back()
        try:
            _CLEAR.write_text("5")  # Linux: the peak is set to what is there now
        except OSError:
            # The peak of the whole process: right as long as trials grow.
            return

    def read(self) -> int:
        """Bytes at the peak since `reset` (on CUDA a host-device sync)."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            return int(torch.cuda.max_memory_allocated(self._device)) - self._base
        return max(0, peak_resident_bytes() - self._base)


def _give_back() -> None:
    """Returns memory that was freed to the system: glibc keeps some, which would hide a peak."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
