"""The reference against a plain numpy search: both directions, ties, blocks, tiny input."""

import numpy as np
import pytest
import torch
from torch import Tensor

from dstilts.core.random_numbers import stream
from dstilts_kernels.topk import reference
from dstilts_kernels.topk.reference import TopK

SHAPES = [(1, 1, 1, 1), (3, 41, 5, 4), (41, 3, 7, 2), (17, 23, 1, 23), (130, 257, 33, 8)]


def vectors(name: str, *shape: int) -> Tensor:
    return torch.from_numpy(stream("topk", name).standard_normal(shape).astype(np.float32))


def plain(queries: Tensor, corpus: Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    scores = (queries.double() @ corpus.double().T).float().numpy()
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


def assert_equal(found: TopK, expected: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_array_equal(found.indices.numpy(), expected[1])
    np.testing.assert_allclose(found.scores.numpy(), expected[0], rtol=1e-6, atol=0)
    assert found.scores.dtype == torch.float32
    assert found.indices.dtype == torch.int64


@pytest.fixture(params=[(2048, 8192), (3, 4), (16, 7)], ids=str)
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "_BLOCK_QUERIES", request.param[0])
    monkeypatch.setattr(reference, "_BLOCK_CORPUS", request.param[1])


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize(("num_queries", "num_corpus", "width", "k"), SHAPES)
def test_both_directions(num_queries: int, num_corpus: int, width: int, k: int) -> None:
    queries, corpus = vectors("q", num_queries, width), vectors("c", num_corpus, width)
    assert_equal(reference.topk(queries, corpus, k), plain(queries, corpus, k))
    forward, backward = reference.mutual_topk(queries, corpus, k)
    assert_equal(forward, plain(queries, corpus, k))
    assert_equal(backward, plain(corpus, queries, k))


@pytest.mark.usefixtures("_blocks")
def test_ties_go_to_the_lowest_index() -> None:
    corpus = vectors("ties", 5, 6).repeat(3, 1)
    queries = vectors("ties", 5, 6)
    found = reference.topk(queries, corpus, 15)
    for scores, indices in zip(found.scores, found.indices, strict=True):
        # Each vector is there three times, 5 apart: equal scores, indices ascending.
        assert (scores.view(5, 3).diff(dim=1) == 0).all()
        assert (indices.view(5, 3).diff(dim=1) == 5).all()
    _, backward = reference.mutual_topk(corpus, queries, 2)
    assert (backward.indices.diff(dim=1) == 5).all()


@pytest.mark.usefixtures("_blocks")
def test_empty_sides_and_more_results_than_vectors() -> None:
    none, some = torch.empty(0, 3), vectors("some", 2, 3)
    assert reference.topk(none, some, 5).indices.shape == (0, 2)
    assert reference.topk(some, none, 5).indices.shape == (2, 0)
    forward, backward = reference.mutual_topk(some, none, 5)
    assert (forward.indices.shape, backward.indices.shape) == ((2, 0), (0, 2))
    assert reference.topk(some, some, 5).scores.shape == (2, 2)


@pytest.mark.usefixtures("_blocks")
def test_scales() -> None:
    queries, corpus = vectors("q", 5, 6), vectors("c", 9, 6)
    scales_q = 1 / torch.linalg.vector_norm(queries.double(), dim=1)
    scales_c = 1 / torch.linalg.vector_norm(corpus.double(), dim=1)
    unit_q, unit_c = queries.double() * scales_q[:, None], corpus.double() * scales_c[:, None]
    assert_equal(reference.topk(queries, corpus, 3, scales_q, scales_c), plain(unit_q, unit_c, 3))
    forward, backward = reference.mutual_topk(queries, corpus, 3, scales_q, scales_c)
    assert_equal(forward, plain(unit_q, unit_c, 3))
    assert_equal(backward, plain(unit_c, unit_q, 3))
