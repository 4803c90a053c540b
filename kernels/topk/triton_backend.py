"""The Triton back end of the search: for CUDA devices, and in Triton's interpreter for tests."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from dstilts_kernels.topk.backend import Backend


def backend() -> Backend | None:
    """The back end, or None where Triton or a CUDA device is missing.

    With TRITON_INTERPRET=1 (set before anything imports Triton) it takes tensors of the CPU.
    """
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    if importlib.util.find_spec("triton") is None or not (interpreted or torch.cuda.is_available()):
        return None
    # Not at the top: triton need not be there, and takes its time to import.
    from dstilts_kernels.topk.triton_passes import TritonBackend

    return TritonBackend()
