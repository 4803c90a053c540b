"""The largest rate at which this machine multiplies matrices, measured once and kept."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from dstilts.core.cache import cache_folder
from dstilts.core.digest import short_key
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.core.logs import log
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.phase import Precision

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_SIZES = {"cpu": (256, 512, 1024, 2048), "cuda": (2048, 4096, 8192)}  # rows of square matrices
_SECONDS = 0.3  # a size
_AT_ONCE = {"cpu": 1, "cuda": 10}  # multiplications between two looks at the clock


def matmul_peak(group: ProcessGroup, device: torch.device, precision: Precision) -> float:
    """FLOP/s that a rank reaches at most in products of two matrices (a collective).

    All ranks measure at the same time: ranks on the cores of one machine share them, and its clock.
    So it is the peak of a rank beside the others; over machines of different kinds it is the mean.
    About a second, once for a machine, device, precision, number of threads and of ranks on it and
    version of torch; the result stands in the cache folder `peak`, a file to delete if the machine
    was busy with something else.
    """
    host = socket.gethostname()
    num_here = group.gather(host).count(host)
    facts = _facts(device, precision, num_here)
    file = cache_folder("peak") / f"{short_key(facts)}.json"
    known = _read(file)
    if group.any(known is None):
        group.barrier()
        by_rank = group.gather((host, measured_peak(device, precision)))
        here = [rate for name, rate in by_rank if name == host]
        known = sum(here) / len(here)
        if group.local_rank == 0:
            write_json(file, {**facts, "flops_per_second": known})
        if group.is_main:
            log(f"matrix products: {_readable(known)} a rank in {precision}, kept in {file}")
    assert known is not None
    rates = group.gather(known)
    return sum(rates) / len(rates)


def measured_peak(device: torch.device, precision: Precision) -> float:
    """The best FLOP/s of a few sizes of square matrices, on this process alone."""
    best = 0.0
    for size in _SIZES[device.type]:
        flops = 2.0 * size**3
        # A precision that the processor only imitates is too slow for the larger sizes.
        if best and flops / best > _SECONDS:
            break
        try:
            fastest = min(_durations(*_matrices(size, device, precision)))
        except torch.OutOfMemoryError:
            break  # the model has left too little
        best = max(best, flops / fastest)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return best


def _matrices(size: int, device: torch.device, precision: Precision) -> tuple[Tensor, Tensor]:
    left, right = torch.randn(2, size, size, device=device).to(_DTYPES[precision])
    return left, right


def _durations(left: Tensor, right: Tensor) -> Iterator[float]:
    """Seconds of one product, measured again and again for a while (each a host-device sync)."""
    kind = left.device.type
    out = left @ right
    until = time.perf_counter() + _SECONDS
    while True:
        _wait(kind)
        begin = time.perf_counter()
        for _ in range(_AT_ONCE[kind]):
            torch.mm(left, right, out=out)
        _wait(kind)
        end = time.perf_counter()
        yield (end - begin) / _AT_ONCE[kind]
        if end > until:
            return


def _wait(kind: str) -> None:
    if kind == "cuda":
        torch.cuda.synchronize()


def _facts(device: torch.device, precision: Precision, num_here: int) -> dict[str, object]:
    """All that the rate depends on."""
    is_cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if is_cuda else _processor(),
        "cores": 0 if is_cuda else len(os.sched_getaffinity(0)),
        "threads": 0 if is_cuda else torch.get_num_threads(),
        "ranks": num_here,
        "precision": precision,
        "fp32_products": torch.get_float32_matmul_precision(),  # "high" lets fp32 be TF32
        "torch": torch.__version__,
    }


def _processor() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return os.uname().machine


def _read(file: Path) -> float | None:
    """What was measured before; a broken file counts as none."""
    try:
        return float(read_json(file)["flops_per_second"])
    except (UserError, KeyError, TypeError, ValueError):
        return None


def _readable(rate: float) -> str:
    return f"{rate / 1e12:.1f} TFLOP/s" if rate >= 1e12 else f"{rate / 1e9:.1f} GFLOP/s"
