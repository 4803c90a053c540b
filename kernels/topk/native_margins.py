"""The margins of a mutual search by the compiled kernels, on as many threads as torch uses.

Shapes: Q queries, N corpus vectors, K neighbours of a vector.
"""

import ctypes

import torch
from torch import Tensor

from dstilts_kernels.topk.native import check_memory, library
from dstilts_kernels.topk.reference import TopK


class _Neighbours(ctypes.Structure):
    _fields_ = (
        ("scores", ctypes.c_void_p),
        ("indices", ctypes.c_void_p),
        ("count", ctypes.c_int64),
        ("kept", ctypes.c_int64),
    )


def margins(forward: TopK, backward: TopK, number: int) -> tuple[Tensor, Tensor]:
    """The margins (Q, K) and (N, K) float64 of the kind with that number, as the reference's.

    Raises:
        ValueError: there are no compiled kernels, or the tensors are not in the host's memory.
    """
    loaded, device = library(), forward.scores.device
    if loaded is None or device.type != "cpu":
        raise ValueError(f"the native margins do not run here on {device.type} tensors")
    # The structures hold addresses only: these tensors stay alive until the end.
    sides = [
        TopK(s.scores.float().contiguous(), s.indices.contiguous()) for s in (forward, backward)
    ]
    structures = [
        _Neighbours(s.scores.data_ptr(), s.indices.data_ptr(), *s.scores.shape) for s in sides
    ]
    means = [torch.empty(len(s.scores), dtype=torch.float64) for s in sides]
    found = [torch.empty(s.scores.shape, dtype=torch.float64) for s in sides]
    threads = torch.get_num_threads()
    for own in (0, 1):
        check_memory(
            loaded.search_mean_scores(ctypes.byref(structures[own]), threads, means[own].data_ptr())
        )
    for own, other in ((0, 1), (1, 0)):
        check_memory(
            loaded.search_margins(
                number,
                ctypes.byref(structures[own]),
                means[own].data_ptr(),
                means[other].data_ptr(),
                threads,
                found[own].data_ptr(),
            )
        )
    return found[0], found[1]
