"""The order of results in one number: better scores first, then lower indices."""

import torch

from dstilts_kernels.topk.keys import NO_KEY, best_of, keys_of, results_of

SCORES = [float("-inf"), -3.5, -1e-40, 0.0, 1e-45, 2.0, float("inf")]


def test_the_order_is_that_of_scores() -> None:
    scores = torch.tensor([SCORES])
    keys = keys_of(scores, torch.zeros(1, len(SCORES), dtype=torch.int64))
    assert (keys.diff(dim=1) > 0).all()
    assert (keys > NO_KEY).all()
    back, indices = results_of(keys)
    assert torch.equal(back, scores)
    assert (indices == 0).all()


def test_of_equal_scores_the_lower_index_is_better() -> None:
    indices = torch.tensor([[7, 0, 2**32 - 1, 3]])
    # -0 is 0.
    best = best_of(keys_of(torch.tensor([[0.0, -0.0, 0.0, -0.0]]), indices), 3)
    assert results_of(best)[1].tolist() == [[0, 3, 7]]
    assert best_of(best, 9).shape == (1, 3)
