"""The sides of the search bench: each gives the neighbours of both directions by cosine.

Shapes: N rows of a side, K neighbours.
"""

import contextlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dstilts.retrieval.search import SearchOptions, TopK, mutual_search
from dstilts_kernels.topk import choice

OURS = "dstilts"
FAISS = "FAISS IndexFlatIP, both ways"
TORCH = "torch matmul and topk, both ways"
Search = Callable[[Tensor, Tensor, int], tuple[TopK, TopK]]
_BLOCK = 4096  # rows of a block of torch's scores, and of a query of FAISS


@dataclass(frozen=True)
class Side:
    """One way to search.

    Attributes:
        search: everything included, from fp32 vectors of any length to neighbours.
        is_exact: whether its answer is to be that of fp32.
    """

    name: str
    search: Search
    is_exact: bool = True


def make_sides(device: torch.device) -> list[Side]:
    """Ours first, with each precision of its back end; then the peers that are installed."""
    backend = next(iter(choice.backends(device).values()))
    sides = [
        Side(OURS, _ours(SearchOptions())),
        Side(f"{OURS}, approximate", _ours(SearchOptions(approximate=True)), is_exact=False),
    ]
    for precision in backend.precisions[1:]:
        exact = precision != "int8"
        options = SearchOptions(precision=precision, approximate=not exact)
        name = f"{OURS}, {precision}{'' if exact else ', approximate'}"
        sides.append(Side(name, _ours(options), exact))
    if backend.name != "torch":
        sides.append(Side(f"{OURS}, torch back end", _ours(SearchOptions(backend="torch"))))
    if device.type == "cpu" and importlib.util.find_spec("faiss") is not None:
        sides.append(Side(FAISS, _faiss))
    sides.append(Side(TORCH, _torch))
    if importlib.util.find_spec("sentence_transformers") is not None:
        sides.append(Side("sentence-transformers, both ways", _sentence_transformers))
    return sides


def peer_versions() -> dict[str, str]:
    """The versions of what is measured beside us, and of what our kernels are written in."""
    found = {}
    for name in ("faiss-cpu", "sentence-transformers", "triton"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _ours(options: SearchOptions) -> Search:
    return lambda source, target, k: mutual_search(source, target, k, options)


def _both_ways(search: Callable[[Tensor, Tensor, int], TopK]) -> Search:
    """A search of one direction, called twice on normalised vectors."""

    def both(source: Tensor, target: Tensor, k: int) -> tuple[TopK, TopK]:
        source, target = F.normalize(source, dim=1), F.normalize(target, dim=1)
        return search(source, target, k), search(target, source, k)

    return both


def _faiss_one_way(queries: Tensor, corpus: Tensor, k: int) -> TopK:
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.IndexFlatIP(corpus.shape[1])
    index.add(corpus.numpy())
    scores, places = index.search(queries.numpy(), k)
    return TopK(torch.from_numpy(scores), torch.from_numpy(places.astype(np.int64)))


def _torch_one_way(queries: Tensor, corpus: Tensor, k: int) -> TopK:
    parts = [(block @ corpus.T).topk(k, dim=1) for block in queries.split(_BLOCK)]
    return TopK(*(torch.cat(each) for each in zip(*parts, strict=True)))


def _sentence_transformers_one_way(queries: Tensor, corpus: Tensor, k: int) -> TopK:
    from sentence_transformers import util  # type: ignore[import-not-found]

    hits: Any = util.semantic_search(queries, corpus, top_k=k, score_function=util.dot_score)
    scores = torch.tensor([[hit["score"] for hit in row] for row in hits])
    return TopK(scores, torch.tensor([[hit["corpus_id"] for hit in row] for row in hits]))


_faiss = _both_ways(_faiss_one_way)
_torch = _both_ways(_torch_one_way)
_sentence_transformers = _both_ways(_sentence_transformers_one_way)
