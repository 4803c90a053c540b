"""Made-up vectors that are spread as those of sentences in two languages are."""

import torch
from torch import Tensor

_TOPICS = 64
_SHARE_OF_PAIRS = 0.5  # of the rows of a side; the others have no translation
_NOISE = 0.66  # between a sentence and its translation: cosines of about 0.86


def sentence_vectors(num: int, num_dims: int, seed: int) -> tuple[Tensor, Tensor]:
    """Two sides (num, num_dims) in fp32: topics, a decaying spectrum, and pairs of translations.

    Translations stand at random places of the other side.
    """
    draws = torch.Generator().manual_seed(seed)
    spectrum = torch.arange(1, num_dims + 1).float().pow(-0.25)

    def rows(count: int) -> Tensor:
        return torch.randn(count, num_dims, generator=draws) * spectrum

    topics = rows(_TOPICS)
    source, target = (
        0.5 * topics[torch.randint(_TOPICS, (num,), generator=draws)] + rows(num) for _ in range(2)
    )
    paired = torch.randperm(num, generator=draws)[: int(num * _SHARE_OF_PAIRS)]
    places = torch.randperm(num, generator=draws)[: len(paired)]
    target[places] = source[paired] + _NOISE * rows(len(paired))
    return source, target
