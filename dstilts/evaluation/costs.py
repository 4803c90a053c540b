"""What a micro-batch takes: fitted to those that were run, and remembered for each machine.

Seconds of a micro-batch of R rows padded to L tokens: a + b R L + c R L^2, with a, b, c >= 0.
"""

import itertools
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dstilts.core.cache import cache_folder
from dstilts.core.digest import short_key
from dstilts.core.disk import is_disk_full
from dstilts.core.errors import UserError
from dstilts.core.files import read_json, write_json
from dstilts.evaluation.shard_file import Timing

# Before anything is measured: a usual speed (FLOP/s of a core, of a GPU), and what a call costs.
_CORE_SPEED, _GPU_SPEED, _CALL_SECONDS = 5e10, 5e13, 2e-3
_FEWEST, _MOST = 8, 1000  # micro-batches of a fit

Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EncoderShape:
    """What of an encoder decides its speed.

    Attributes:
        linear: weights of its linear layers.
        width: of its hidden states, over all layers.
    """

    linear: int
    width: int

    @classmethod
    def of(cls, model: nn.Module) -> "EncoderShape":
        """The shape of an encoder."""
        config: Any = model.config
        layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
        linear = sum(layer.in_features * layer.out_features for layer in layers)
        return cls(linear, config.num_hidden_layers * config.hidden_size)


@dataclass(frozen=True)
class CostModel:
    """Seconds by micro-batch, row and token, row and token squared."""

    coefficients: tuple[float, float, float]

    def seconds(self, rows: Sequence[int], lengths: Sequence[int]) -> Seconds:
        """Of each micro-batch.

        Args:
            lengths: to which their rows are padded.
        """
        return _features(rows, lengths) @ np.array(self.coefficients)

    @classmethod
    def by_flops(cls, shape: EncoderShape, threads: int) -> "CostModel":
        """A guess from the operations alone: two for a weight and token, four for a pair of
        tokens."""
        speed = _GPU_SPEED if torch.cuda.is_available() else _CORE_SPEED * threads
        return cls((_CALL_SECONDS, 2 * shape.linear / speed, 4 * shape.width / speed))

    @classmethod
    def fitted(cls, timings: Sequence[Timing]) -> "CostModel":
        """The model of the least squares of relative errors, so that a pause weighs little."""
        features = _features([t.rows for t in timings], [t.length for t in timings])
        relative = features / np.array([t.seconds for t in timings])[:, None]
        return cls(_non_negative_least_squares(relative, np.ones(len(timings))))


class CostMemory:
    """What micro-batches of encoders of one shape took on this machine, in the cache folder
    `costs`.

    Args:
        threads: of a worker.
    """

    def __init__(self, shape: EncoderShape, precision: str, threads: int) -> None:
        self._shape, self._threads = shape, threads
        cuda = torch.cuda.is_available()
        self._facts = {
            "shape": [shape.linear, shape.width],
            "precision": precision,
            "threads": threads,
            "device": torch.cuda.get_device_name() if cuda else socket.gethostname(),
            "cores": None if cuda else os.cpu_count(),
            "torch": torch.__version__,
        }

    def model(self, stream: str) -> CostModel:
        """What micro-batches of a stream (`TableRef.stream`) take, measured or guessed."""
        timings = self._read(stream)
        if len(timings) < _FEWEST:
            return CostModel.by_flops(self._shape, self._threads)
        return CostModel.fitted(timings)

    def learn(self, stream: str, timings: Iterable[Timing]) -> None:
        """Adds measured micro-batches; the latest are kept. A cache that cannot be written costs
        this only."""
        kept = [*self._read(stream), *(t for t in timings if t.seconds > 0)][-_MOST:]
        table = {**self._facts, "stream": stream}
        table["timings"] = [[t.rows, t.length, t.seconds] for t in kept]
        try:
            write_json(self._file(stream), table)
        except OSError as error:
            if is_disk_full(error):
                raise

    def _file(self, stream: str) -> Any:
        return cache_folder("costs") / f"{short_key({**self._facts, 'stream': stream})}.json"

    def _read(self, stream: str) -> list[Timing]:
        """What was measured; a broken file counts as nothing."""
        try:
            timings = read_json(self._file(stream))["timings"]
            return [Timing(int(rows), int(length), float(s)) for rows, length, s in timings]
        except (UserError, KeyError, TypeError, ValueError):
            return []


def _features(rows: Sequence[int], lengths: Sequence[int]) -> Seconds:
    r, n = np.asarray(rows, dtype=np.float64), np.asarray(lengths, dtype=np.float64)
    return np.column_stack([np.ones(len(r)), r * n, r * n * n])


def _non_negative_least_squares(features: Seconds, values: Seconds) -> tuple[float, float, float]:
    """Of three coefficients: the best of the solutions in which some of them are zero."""
    best, best_error = np.zeros(3), np.inf
    for size in (1, 2, 3):
        for chosen in map(list, itertools.combinations(range(3), size)):
            # Columns differ by orders of magnitude.
            scale = np.abs(features[:, chosen]).max(axis=0)
            found, *_ = np.linalg.lstsq(features[:, chosen] / scale, values, rcond=None)
            if (found < 0).any():
                continue
            candidate = np.zeros(3)
            candidate[chosen] = found / scale
            error = float(((features @ candidate - values) ** 2).sum())
            if error < best_error:
                best, best_error = candidate, error
    return (float(best[0]), float(best[1]), float(best[2]))
