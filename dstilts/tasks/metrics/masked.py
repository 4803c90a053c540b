"""The scores of masked language modelling."""

import math
from collections.abc import Iterable, Sequence


def masked_scores(texts: Iterable[Sequence[float]]) -> dict[str, float]:
    """`accuracy` in per cent and `perplexity` over all masked tokens.

    Args:
        texts: of each the summed negative log likelihood, the masked tokens, the right ones.

    Raises:
        ValueError: no token is masked.
    """
    # The first row makes sums of no texts at all.
    nll, count, right = map(sum, zip((0.0, 0, 0), *texts, strict=True))
    if not count:
        raise ValueError("no token is masked")
    return {"accuracy": 100 * right / count, "perplexity": math.exp(nll / count)}
