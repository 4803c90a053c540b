"""Which back end and which precision a search runs on."""

import importlib
import importlib.util
import logging
from functools import lru_cache

import torch

from dstilts_kernels.topk import native
from dstilts_kernels.topk.backend import Backend
from dstilts_kernels.topk.torch_backend import TorchBackend

_LOG = logging.getLogger(__name__)
REFERENCE = "reference"
PRECISIONS = ("fp32", "bf16", "fp16", "int8")
MAX_FUSED_K = 32
MAX_FUSED_DIMS = 4096


def backends(device: torch.device) -> dict[str, Backend]:
    """The back ends that run here on tensors of this device, the preferred one first."""
    found: list[Backend | None] = [_triton(), TorchBackend()]
    if device.type == "cpu":
        # Triton runs on CPU tensors in its interpreter only, which is for tests.
        found = [native.backend(), TorchBackend(), _triton()]
        if found[0] is None:
            _say_not_compiled()
    return {backend.name: backend for backend in found if backend is not None}


def choose(
    name: str | None, precision: str | None, device: torch.device, k: int, num_dims: int
) -> tuple[Backend, str]:
    """The back end of that name, or the best one, and the precision of its first pass.

    Searches beyond what fused kernels hold (k up to 32, 1 to 4096 dimensions) run on torch.

    Raises:
        ValueError: a back end or a precision that there is not.
    """
    there = backends(device)
    if name is not None and name not in there:
        names = ", ".join([REFERENCE, *there])
        raise ValueError(
            f"no search back end {name!r} for {device.type} tensors; there are {names}"
        )
    backend = there[name] if name is not None else next(iter(there.values()))
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}; there are {', '.join(PRECISIONS)}")
    if precision is not None and precision not in backend.precisions:
        raise ValueError(
            f"the {backend.name} back end has no {precision} here; "
            f"it has {', '.join(backend.precisions)}"
        )
    if k > MAX_FUSED_K or not 1 <= num_dims <= MAX_FUSED_DIMS:
        backend, precision = there["torch"], None
    return backend, precision or backend.precisions[0]


def _triton() -> Backend | None:
    name = "dstilts_kernels.topk.triton_backend"
    if importlib.util.find_spec(name) is None:
        return None
    found: Backend | None = importlib.import_module(name).backend()
    return found


@lru_cache(maxsize=1)
def _say_not_compiled() -> None:
    _LOG.warning(
        "the search kernels were not compiled (no C++ compiler when dstilts was installed): "
        "similarity search runs on torch, several times slower"
    )
