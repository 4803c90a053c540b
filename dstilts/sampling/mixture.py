"""How often each task of a multi-task phase is drawn."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

Mixture = Literal["proportional", "capped", "temperature", "uniform", "explicit"]


def mixture_weights(
    kind: Mixture,
    sizes: Sequence[int],
    *,
    cap: int | None = None,
    temperature: float = 1.0,
    explicit: Sequence[float] = (),
) -> np.ndarray:
    """The probability of each task, in the order of `sizes`; sums to 1.

    Args:
        kind: `proportional` to the number of training examples (the paper's sampler); `capped`: the
            same with at most `cap` examples counted a task; `temperature`: sizes, capped where a
            `cap` is given, to the power 1 / `temperature`; `uniform`; or the `explicit` shares.
        sizes: the number of training examples of each task, each above 0.
    """
    counts = np.asarray(sizes, dtype=np.float64)
    if cap is not None:
        counts = np.minimum(counts, cap)
    match kind:
        case "proportional" | "capped":
            shares = counts
        case "temperature":
            shares = counts ** (1.0 / temperature)
        case "uniform":
            shares = np.ones_like(counts)
        case "explicit":
            shares = np.asarray(explicit, dtype=np.float64)
    if len(shares) != len(counts) or not (shares > 0).all():
        raise ValueError("every task of a mixture needs a share above 0")
    return shares / shares.sum()
