"""Word embeddings cut down to the rows that the training data use, and put back afterwards.

Of XLM-R's 250,002 rows English data use a tenth. The others get no gradient: AdamW only multiplies
them by its weight decay, which needs no optimizer, no communication and no memory until the end.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


@dataclass(frozen=True)
class CompactEmbedding:
    """What is needed to go from the whole vocabulary to the rows in use, and back.

    Attributes:
        name: of the embedding's weight in the encoder.
        whole: (V, E) the weights as they were loaded; memory-mapped where the loader did so.
        kept: (K,) the rows in use, ascending; those up to the padding id keep their numbers.
        lookup: (V,) the new number of each row in use, -1 for the others.
    """

    name: str
    whole: Tensor
    kept: Tensor
    lookup: Tensor

    def translate(self, input_ids: Tensor) -> Tensor:
        """Token ids of the whole vocabulary as rows of the small embedding, on the host."""
        translated = self.lookup[input_ids]
        assert int(translated.min()) >= 0, "a token that no training row has"
        return translated

    def restore(self, trained: Tensor, decay: float) -> Tensor:
        """The whole embedding (V, E) after training.

        Args:
            trained: (K, E) the rows in use.
            decay: the product of AdamW's weight decay over all steps, for the other rows.
        """
        whole = self.whole.detach().float() * decay
        whole[self.kept] = trained
        return whole


def compact(encoder: PreTrainedModel, used: np.ndarray) -> CompactEmbedding | None:
    """Replaces the encoder's word embeddings by the rows in use.

    Args:
        used: (V,) whether a row is in use. Rows up to the padding id stay in any case: XLM-R tells
            padding by it and counts positions from it.

    Returns:
        None where nothing was changed: the embedding is no plain one, or nearly all is used.
    """
    module = encoder.get_input_embeddings()
    names = [n for n, p in encoder.named_parameters() if p is getattr(module, "weight", None)]
    if type(module) is not nn.Embedding or len(names) != 1:
        return None
    mask = np.array(used, dtype=bool)
    mask[: (module.padding_idx or 0) + 1] = True
    kept = torch.from_numpy(np.flatnonzero(mask))
    if len(kept) > 0.9 * len(mask):
        return None
    lookup = torch.full((len(mask),), -1)
    lookup[kept] = torch.arange(len(kept))
    whole = module.weight
    small = nn.Embedding(len(kept), module.embedding_dim, padding_idx=module.padding_idx)
    small.weight = nn.Parameter(whole.detach()[kept])
    encoder.set_input_embeddings(small)
    return CompactEmbedding(names[0], whole.detach(), kept, lookup)


def used_ids(tables: Iterable[Any], vocabulary_size: int) -> np.ndarray:
    """Which token ids occur in the rows of memory-mapped token tables, as a mask (V,)."""
    used = np.zeros(vocabulary_size, dtype=bool)
    for table in tables:
        for name in table.column_names:
            if name.endswith("input_ids"):
                for chunk in table.data.column(name).chunks:
                    used[_flat(chunk)] = True
    return used


def _flat(chunk: Any) -> np.ndarray:
    while hasattr(chunk, "flatten") and hasattr(chunk.type, "value_type"):
        chunk = chunk.flatten()
    return cast(np.ndarray, chunk.to_numpy(zero_copy_only=False))
