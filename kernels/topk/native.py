"""The back end for CPUs: compiled kernels, called through ctypes.

The kernels are an optional part of the installation. Which of them run is asked at run time; the
environment variable DSTILTS_SEARCH_ISA takes one set of instructions instead of all there are.

Shapes: Q queries, N corpus vectors, D dimensions, K results of a query.
"""

import ctypes
import importlib.util
import os
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from dstilts_kernels.topk.backend import Candidates

ISA_VARIABLE = "DSTILTS_SEARCH_ISA"
_BEST_FIRST = ("bf16", "fp32", "int8")  # int8 proves too few answers to be the default
_MAX_VECTORS = 2**32 - 1  # an index has 32 bits in the lists


class _Side(ctypes.Structure):
    _fields_ = (
        ("vectors", ctypes.c_void_p),
        ("count", ctypes.c_int64),
        ("scales", ctypes.c_void_p),
        ("scores", ctypes.c_void_p),
        ("indices", ctypes.c_void_p),
        ("errors", ctypes.c_void_p),
        ("kept", ctypes.c_int64),
    )


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL | None:
    """The compiled kernels, or None where the installation has none."""
    spec = importlib.util.find_spec("dstilts_kernels.topk._native")
    if spec is None or spec.origin is None or not Path(spec.origin).exists():
        return None
    try:
        loaded = ctypes.CDLL(spec.origin)
    except OSError:  # built for another machine
        return None
    loaded.search_kernel.restype = ctypes.c_char_p
    pointer, size, number = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int
    loaded.search_candidates.argtypes = [number, pointer, pointer, size, number, number, pointer]
    loaded.search_rescore.argtypes = [pointer, size, pointer, size, pointer, pointer, pointer]
    loaded.search_rescore.argtypes += [size, number, pointer]
    loaded.search_lengths.argtypes = [pointer, size, size, number, pointer]
    loaded.search_mean_scores.argtypes = [pointer, number, pointer]
    loaded.search_margins.argtypes = [number, pointer, pointer, pointer, number, pointer]
    return loaded


def kernels(loaded: ctypes.CDLL) -> dict[tuple[str, str], int]:
    """The number of each kernel that runs on this machine, by instruction set and precision."""
    found = {}
    supported = ctypes.c_int()
    number = 0
    while name := loaded.search_kernel(number, ctypes.byref(supported)):
        isa, _, precision = name.decode().partition(":")
        if supported.value:
            found[isa, precision] = number
        number += 1
    return found


def backend(isa: str | None = None) -> "NativeBackend | None":
    """The back end, of one instruction set (by default DSTILTS_SEARCH_ISA) or of all there are.

    Raises:
        ValueError: the instruction set is not one of this machine's.
    """
    loaded = library()
    if loaded is None:
        return None
    found = kernels(loaded)
    isa = isa or os.environ.get(ISA_VARIABLE)
    available = list(dict.fromkeys(name for name, _ in found))
    if isa and isa not in available:
        raise ValueError(
            f"{ISA_VARIABLE} is {isa!r}, but the search kernels that run here are {available}"
        )
    # The sets are listed from the plainest to the widest, so the widest of a precision stays.
    chosen = {p: number for (name, p), number in found.items() if isa in (None, "", name)}
    return NativeBackend(loaded, chosen)


class NativeBackend:
    """Fused passes on the CPU, on as many threads as torch uses (torch.set_num_threads)."""

    name = "native"

    def __init__(self, loaded: ctypes.CDLL, numbers: dict[str, int]) -> None:
        self._library = loaded
        self._numbers = numbers
        self.precisions = tuple(p for p in _BEST_FIRST if p in numbers)

    def candidates(
        self,
        x_QD: Tensor,
        y_ND: Tensor,
        keep: int,
        precision: str,
        columns: bool,
        scales_x: Tensor | None = None,
        scales_y: Tensor | None = None,
    ) -> tuple[Candidates, Candidates | None]:
        """See `Backend.candidates`."""
        x_QD, y_ND = x_QD.float(), y_ND.float()
        forward = _empty(len(x_QD), min(keep, len(y_ND)))
        backward = _empty(len(y_ND), min(keep, len(x_QD))) if columns else None
        self._search(
            self._numbers[precision],
            _side(x_QD, scales_x, forward),
            _side(y_ND, scales_y, backward),
            x_QD.shape[1],
        )
        return forward, backward

    def rescore(
        self,
        x_QD: Tensor,
        y_ND: Tensor,
        scales_x: Tensor | None,
        scales_y: Tensor | None,
        indices_QK: Tensor,
    ) -> Tensor:
        """See `Backend.rescore`."""
        x_QD, y_ND = x_QD.float(), y_ND.float()
        indices_QK = indices_QK.contiguous()
        scores_QK = torch.empty(indices_QK.shape)
        failed = self._library.search_rescore(
            x_QD.data_ptr(),
            len(x_QD),
            y_ND.data_ptr(),
            x_QD.shape[1],
            scales_x.data_ptr() if scales_x is not None else None,
            scales_y.data_ptr() if scales_y is not None else None,
            indices_QK.data_ptr(),
            indices_QK.shape[1],
            torch.get_num_threads(),
            scores_QK.data_ptr(),
        )
        check_memory(failed)
        return scores_QK

    def loop_seconds(
        self, x_QD: Tensor, y_ND: Tensor, keep: int, precision: str
    ) -> dict[str, float]:
        """Processor seconds of the loop over all tiles, both directions: `fused`, and `bare`
        without looking at the scores, which is what a matrix product of this kind costs."""
        x_QD, y_ND = x_QD.float(), y_ND.float()
        forward = _empty(len(x_QD), min(keep, len(y_ND)))
        backward = _empty(len(y_ND), min(keep, len(x_QD)))
        sides = _side(x_QD, None, forward), _side(y_ND, None, backward)
        number = self._numbers[precision]
        return {
            name: self._search(number, *sides, x_QD.shape[1], bare=name == "bare")
            for name in ("fused", "bare")
        }

    def _search(self, number: int, x: _Side, y: _Side, dims: int, bare: bool = False) -> float:
        seconds = ctypes.c_double()
        failed = self._library.search_candidates(
            number,
            ctypes.byref(x),
            ctypes.byref(y),
            dims,
            torch.get_num_threads(),
            bare,
            ctypes.byref(seconds),
        )
        check_memory(failed)
        return seconds.value


def lengths(x_QD: Tensor) -> Tensor | None:
    """The lengths (Q,) float64 of fp32 vectors, or None without compiled kernels.

    A length is finite just when all numbers of its vector are.
    """
    loaded = library()
    if loaded is None:
        return None
    lengths_Q = torch.empty(len(x_QD), dtype=torch.float64)
    failed = loaded.search_lengths(
        x_QD.data_ptr(), *x_QD.shape, torch.get_num_threads(), lengths_Q.data_ptr()
    )
    check_memory(failed)
    return lengths_Q


def _empty(count: int, kept: int) -> Candidates:
    return Candidates(
        torch.empty(count, kept), torch.empty(count, kept, dtype=torch.int64), torch.empty(count)
    )


def _side(vectors: Tensor, scales: Tensor | None, found: Candidates | None) -> _Side:
    """The tensors' memory; whoever calls keeps the tensors alive."""
    if len(vectors) > _MAX_VECTORS:
        raise ValueError(f"the native search takes up to {_MAX_VECTORS} vectors a side")
    return _Side(
        vectors.data_ptr(),
        len(vectors),
        scales.data_ptr() if scales is not None else None,
        found.scores.data_ptr() if found is not None else None,
        found.indices.data_ptr() if found is not None else None,
        found.error.data_ptr() if found is not None else None,
        found.indices.shape[1] if found is not None else 0,
    )


def check_memory(failed: int) -> None:
    """Raises a MemoryError where a kernel says that it failed."""
    if failed:
        raise MemoryError("the search ran out of memory")
