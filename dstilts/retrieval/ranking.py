"""The protocol of LAReQA and Mewsli-X: the best candidates of a pool for each question."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from dstilts.retrieval.search import search
from dstilts.tasks.examples import SentenceExample
from dstilts_kernels.topk import api

NUM_RANKED = 20  # the metric is the mean average precision at 20


def ranked_candidates(
    examples: Sequence[SentenceExample],
    vectors_ND: Tensor,
    similarity: Literal["cosine", "dot"],
    k: int = NUM_RANKED,
) -> dict[str, list[str]]:
    """For each source's id the ids of its `k` nearest targets, best first.

    Args:
        vectors_ND: the vectors, one a row in the order of `examples`.

    Raises:
        ValueError: a vector is not finite or, for cosines, zero.
    """
    sources = [index for index, example in enumerate(examples) if example.side == "source"]
    targets = [index for index, example in enumerate(examples) if example.side == "target"]
    queries, corpus = vectors_ND[torch.tensor(sources)], vectors_ND[torch.tensor(targets)]
    nearest = search if similarity == "cosine" else api.topk
    found = nearest(queries, corpus, k).indices.tolist()
    return {
        examples[source].id: [examples[targets[index]].id for index in row]
        for source, row in zip(sources, found, strict=True)
    }
