"""Cosine search: lengths of vectors do not count, vectors without a direction are refused."""

import pytest
import torch

from dstilts.core.random_numbers import torch_seed
from dstilts.retrieval.search import mutual_search, search


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(torch_seed("search")))


def test_lengths_do_not_count() -> None:
    queries, corpus = random(6, 4), random(9, 4)
    expected = search(queries, corpus, 3)
    assert expected.scores.abs().max() <= 1.0
    # The last factors are beyond what a sum of squares in fp32 can hold.
    for factor in (1e-3, 1e25, 1e-25):
        found = search(queries * factor, corpus, 3)
        assert torch.equal(found.indices, expected.indices)
        torch.testing.assert_close(found.scores, expected.scores)


def test_against_torch() -> None:
    queries, corpus = random(6, 4), random(9, 4)
    cosine = torch.nn.functional.cosine_similarity(queries[:, None], corpus[None], dim=-1)
    forward, backward = mutual_search(queries, corpus, 2)
    alone = search(queries, corpus, 2)
    for found, scores in ((forward, cosine), (backward, cosine.T), (alone, cosine)):
        best = scores.topk(2)
        assert torch.equal(found.indices, best.indices)
        torch.testing.assert_close(found.scores, best.values)


def test_a_zero_vector_is_refused() -> None:
    corpus = random(3, 4)
    corpus[1] = 0
    with pytest.raises(ValueError, match="row 1 of the corpus is zero"):
        search(random(2, 4), corpus, 1)
    with pytest.raises(ValueError, match="row 1 of the queries is zero"):
        mutual_search(corpus, random(2, 4), 1)
