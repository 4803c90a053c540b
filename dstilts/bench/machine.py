"""What a measurement was made on: processor, GPU, versions, and the speed of a matrix product.

`python -m dstilts.bench.machine PRECISION OUT.json` measures in a process of its own.
"""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any, cast

from dstilts import __version__
from dstilts.core.files import write_json
from dstilts.engine.phase import Precision

_PACKAGES = ("torch", "transformers", "accelerate", "deepspeed", "tokenizers", "datasets", "numpy")


def describe_machine(precision: Precision) -> dict[str, Any]:
    """The machine and its versions, as JSON; takes some seconds.

    "matmul_flops" is the rate of products of two matrices on all threads, or on one GPU.
    """
    import torch

    from dstilts.engine.peak import measured_peak

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    gpus = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "load": os.getloadavg(),
        "gpus": gpus,
        "cuda": torch.version.cuda if gpus else None,
        "matmul_flops": measured_peak(device, precision),
        "python": platform.python_version(),
        "system": platform.platform(),
        "versions": {"dstilts": __version__, **_versions()},
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    write_json(Path(sys.argv[2]), describe_machine(cast(Precision, sys.argv[1])))
