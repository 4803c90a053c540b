"""The protocol of BUCC 2018: mining over distinct sentences, pairs of repeated ones dropped."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dstilts.retrieval.mining import mine
from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.metrics.mining import unambiguous


def mine_translations(
    examples: Sequence[SentenceExample], vectors_ND: Tensor
) -> dict[str, tuple[str, float]]:
    """For the ids of source sentences, best first, the id of a translation and its margin.

    Sentences of one text on a side count once as neighbours; a pair in which a text repeats on its
    side is dropped, because the official gold does not tell which of them is meant.

    Args:
        vectors_ND: the sentence vectors, one a row in the order of `examples`.

    Raises:
        ValueError: a vector is zero or not finite.
    """
    sides = {
        side: [index for index, example in enumerate(examples) if example.side == side]
        for side in ("source", "target")
    }
    alone = unambiguous(examples)
    # Of a text that repeats the last sentence stands for all, as in the official scripts.
    distinct = {
        side: list({examples[index].text: index for index in rows}.values())
        for side, rows in sides.items()
    }
    sources, targets = distinct["source"], distinct["target"]
    pairs = mine(vectors_ND[torch.tensor(sources)], vectors_ND[torch.tensor(targets)])
    found: dict[str, tuple[str, float]] = {}
    for pair in pairs:
        source, target = examples[sources[pair.source]], examples[targets[pair.target]]
        if source.id in alone and target.id in alone:
            found[source.id] = (target.id, pair.score)
    return found
