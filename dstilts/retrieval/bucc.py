"""The protocol of BUCC 2018: mining over distinct sentences, pairs of repeated ones dropped."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dstilts.retrieval.duplicates import distinct_rows, repeated_rows, without_repeated
from dstilts.retrieval.mining import mine
from dstilts.tasks.examples import SentenceExample


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
    sources, repeats_S = _side(examples, "source")
    targets, repeats_T = _side(examples, "target")
    pairs = mine(vectors_ND[torch.from_numpy(sources)], vectors_ND[torch.from_numpy(targets)])
    kept = without_repeated(pairs, repeats_S, repeats_T)
    return {
        examples[sources[source]].id: (examples[targets[target]].id, score)
        for source, target, score in zip(*(values.tolist() for values in kept), strict=True)
    }


def _side(
    examples: Sequence[SentenceExample], side: Literal["source", "target"]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The rows of the distinct sentences of a side, and which of their texts repeat there."""
    rows = np.array([r for r, example in enumerate(examples) if example.side == side], np.int64)
    texts = [examples[row].text for row in rows]
    distinct = distinct_rows(texts)
    return rows[distinct], repeated_rows(texts)[distinct]
