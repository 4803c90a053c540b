"""Vectors that are hard to search, and one search on every back end against the reference."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dstilts.core.random_numbers import stream
from dstilts_kernels.topk import api
from dstilts_kernels.topk.choice import backends

KINDS = (
    "random",
    "duplicates",
    "sorted",
    "clusters",
    "near_ties",
    "norms",
    "equal",
    "scaled_copies",
    "small_integers",
    "one_direction",
)


@dataclass(frozen=True)
class Case:
    """One search; `seed` alone decides what it is."""

    seed: int
    kind: str
    num_queries: int
    num_corpus: int
    width: int
    k: int
    metric: str
    dtype: torch.dtype
    columns: bool


def case(seed: int) -> Case:
    """A case: mostly small, a few with more vectors than a block or a panel holds."""
    draw = stream("search-cases", seed)
    most = 700 if draw.random() < 0.1 else 90
    widths = [1, 2, 3, 8, 16, 31, 64, 100, 257] + ([384, 1024] if draw.random() < 0.1 else [])
    num_queries, num_corpus = (int(number) for number in draw.integers(0, most, 2))
    if draw.random() < 0.15:  # few against many, either way round
        few = int(draw.integers(1, 4))
        num_queries, num_corpus = (few, num_corpus) if draw.random() < 0.5 else (num_queries, few)
    return Case(
        seed=seed,
        kind=KINDS[int(draw.integers(len(KINDS)))],
        num_queries=num_queries,
        num_corpus=num_corpus,
        width=int(draw.choice(widths)),
        k=int(draw.integers(1, 33)),
        metric=("inner_product", "cosine")[int(draw.integers(2))],
        dtype=[torch.float32, torch.float32, torch.float16, torch.bfloat16][int(draw.integers(4))],
        columns=bool(draw.random() < 0.7),
    )


def sides(chosen: Case) -> tuple[Tensor, Tensor]:
    """The vectors of a case; none is zero."""
    draw = stream("search-vectors", chosen.seed)
    shared = draw.standard_normal((4, chosen.width))
    x = _vectors(draw, chosen, chosen.num_queries, shared)
    y = _vectors(draw, chosen, chosen.num_corpus, shared)
    return tuple(  # type: ignore[return-value]
        _without_zeros(torch.from_numpy(side.astype(np.float32)).to(chosen.dtype))
        for side in (x, y)
    )


def _vectors(draw: np.random.Generator, chosen: Case, count: int, shared: np.ndarray) -> np.ndarray:
    plain = draw.standard_normal((count, chosen.width))
    picked = shared[draw.integers(0, len(shared), count)]
    if chosen.kind == "duplicates":
        return plain[draw.integers(0, max(1, count // 4), count)] if count else plain
    if chosen.kind == "sorted":  # along one query: every vector is better than all before it
        return (
            shared[:1] + np.linspace(0, 3, max(count, 1))[:count, None] * shared[1:2] + 0.01 * plain
        )
    if chosen.kind == "clusters":
        return picked + 0.05 * plain
    if chosen.kind == "near_ties":  # a few units in the last place of fp32 apart
        return picked * (1 + 2.0**-23 * draw.integers(0, 4, (count, chosen.width)))
    if chosen.kind == "norms":
        return plain * 10.0 ** draw.uniform(-3, 3, (count, 1))
    if chosen.kind == "equal":
        return np.repeat(shared[:1], count, 0)
    if chosen.kind == "scaled_copies":
        return picked * 2.0 ** draw.integers(-3, 4, (count, 1))
    if chosen.kind == "small_integers":  # products are exact, and many of them equal
        return draw.integers(-2, 3, (count, chosen.width)).astype(float)
    if chosen.kind == "one_direction":  # as the vectors of a language model often are
        return shared[:1] * 3 + 0.3 * plain
    return plain


def _without_zeros(vectors: Tensor) -> Tensor:
    vectors[(vectors == 0).all(1)] = 1
    return vectors


def differences(chosen: Case) -> list[str]:
    """Back ends and precisions whose answer is not the reference's, number for number."""
    x, y = sides(chosen)
    expected = _answer(chosen, x, y, "reference", None)
    wrong = []
    for name, backend in backends(torch.device("cpu")).items():
        if name == "triton":  # an interpreter: its own tests are enough
            continue
        for precision in backend.precisions:
            found = _answer(chosen, x, y, name, precision)
            same = all(
                torch.equal(a.scores, b.scores) and torch.equal(a.indices, b.indices)
                for a, b in zip(found, expected, strict=True)
            )
            if not same:
                wrong.append(f"{name} {precision}: {chosen}")
    return wrong


def _answer(
    chosen: Case, x: Tensor, y: Tensor, backend: str, precision: str | None
) -> tuple[api.TopK, ...]:
    options = {"metric": chosen.metric, "backend": backend, "precision": precision}
    if chosen.columns:
        return api.mutual_topk(x, y, chosen.k, **options)  # type: ignore[arg-type]
    return (api.topk(x, y, chosen.k, **options),)  # type: ignore[arg-type]
