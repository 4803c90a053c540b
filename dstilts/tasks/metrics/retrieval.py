"""Accuracy of the nearest neighbour among the other side's sentences, in both directions."""

from collections.abc import Iterable, Mapping

import numpy as np

from dstilts.tasks.examples import SentenceExample


def retrieval_scores(
    examples: Iterable[SentenceExample], predictions: Mapping[str, str]
) -> dict[str, float]:
    """`accuracy` and `accuracy_xx_en` in per cent, from a predicted id for every sentence's id.

    XTREME's Tatoeba score is the direction en -> xx: English sentences ask, the sentences of the
    evaluated language are searched. A prediction is right if it is one of the sentence's matches.

    Raises:
        KeyError: a sentence has no prediction.
        ValueError: one of the sides is empty.
    """
    hits: dict[str, list[bool]] = {"target": [], "source": []}
    for example in examples:
        hits[example.side].append(predictions[example.id] in example.matches)
    if not hits["target"] or not hits["source"]:
        raise ValueError("a retrieval task with an empty side")
    return {
        "accuracy": 100 * float(np.mean(hits["target"])),
        "accuracy_xx_en": 100 * float(np.mean(hits["source"])),
    }
