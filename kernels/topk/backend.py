"""What a back end of the search gives: candidates of a fast first pass, and exact scores of pairs.

Shapes: Q queries, N corpus vectors, D dimensions, K results of a query.
"""

from typing import NamedTuple, Protocol

from torch import Tensor


class Candidates(NamedTuple):
    """The best of an approximate pass, best first; of equal scores the lowest index first.

    Whatever vector of the other side is not listed has an approximate score of at most the last
    one listed.
    """

    scores: Tensor  # (Q, K) float32: approximate, of the scaled vectors where there are scales
    indices: Tensor  # (Q, K) int64
    error: Tensor  # (Q,) float32: proven bound of |approximate - exact| against any other vector


class Backend(Protocol):
    """One implementation of the passes; `exact` turns what it gives into proven answers.

    Vectors are contiguous matrices on one device, of one type (fp32, fp16 or bf16) and finite, with
    at least one row and one dimension. A scale is what a vector is multiplied with before the
    product: 1 / length for cosines, None for inner products. Scales are float64, since a length of
    fp32 may overflow or vanish.
    """

    name: str
    precisions: tuple[str, ...]  # of the first pass; the first one is the default

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
        """The min(keep, N) candidates of each row of x and, with `columns`, the min(keep, Q) of
        each row of y from the same pass."""
        ...

    def rescore(
        self,
        x_QD: Tensor,
        y_ND: Tensor,
        scales_x: Tensor | None,
        scales_y: Tensor | None,
        indices_QK: Tensor,
    ) -> Tensor:
        """Exact scores (Q, K) float32 of row q of x with the rows `indices_QK[q]` of y.

        Summed in float64, multiplied with scale_x * scale_y in float64, rounded once: a pair has
        the same score whichever side is x.
        """
        ...
