"""The protocol of XTREME's Tatoeba task: each sentence's nearest sentence on the other side."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dstilts.retrieval.search import TopK, mutual_search
from dstilts.tasks.examples import SentenceExample


def nearest_sentences(examples: Sequence[SentenceExample], vectors_ND: Tensor) -> dict[str, str]:
    """For each sentence's id the id of its nearest sentence by cosine on the other side.

    The official score asks with the English sentences (side `target`) among those of the evaluated
    language (side `source`); the other direction comes from the same pass. Of equally near ones the
    first in the order of `examples` is taken.

    Args:
        vectors_ND: the sentence vectors, one a row in the order of `examples`.

    Raises:
        ValueError: a side has no sentence, or a vector is zero or not finite.
    """
    sources = [index for index, example in enumerate(examples) if example.side == "source"]
    targets = [index for index, example in enumerate(examples) if example.side == "target"]
    if not sources or not targets:
        raise ValueError("a retrieval task with an empty side")
    forward, backward = mutual_search(
        vectors_ND[torch.tensor(targets)], vectors_ND[torch.tensor(sources)], k=1
    )
    return {
        **_predictions(examples, targets, sources, forward),
        **_predictions(examples, sources, targets, backward),
    }


def _predictions(
    examples: Sequence[SentenceExample],
    queries: Sequence[int],
    candidates: Sequence[int],
    found: TopK,
) -> dict[str, str]:
    nearest = found.indices[:, 0].tolist()
    return {
        examples[query].id: examples[candidates[index]].id
        for query, index in zip(queries, nearest, strict=True)
    }
