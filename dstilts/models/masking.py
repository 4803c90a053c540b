"""Masking of tokens, as BERT and XLM-R are pretrained: which tokens are hidden, and by what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerFast

from dstilts.core.errors import UserError
from dstilts.tasks.encode_options import IGNORED

# Of the masked tokens; the rest stays as it is.
_BY_MASK, _BY_RANDOM = 0.8, 0.1

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Masking:
    """What a tokenizer's rows are masked with.

    Attributes:
        mask_id: of the mask token.
        ordinary: the ids that are no special token, ascending.
    """

    mask_id: int
    ordinary: npt.NDArray[np.int64]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> "Masking":
        """The masking of a tokenizer.

        Raises:
            UserError: it has no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise UserError("the encoder's tokenizer has no mask token, which mlm needs")
        special = sorted(set(tokenizer.all_special_ids))
        return cls(int(tokenizer.mask_token_id), np.setdiff1d(np.arange(len(tokenizer)), special))

    def apply(self, rows: Sequence[Row], rng: np.random.Generator) -> list[dict[str, Any]]:
        """The rows with masked `input_ids`, and `labels`: the hidden ids, IGNORED elsewhere.

        Args:
            rows: with `input_ids` and `num_masked`, the number of tokens to mask in each.
        """
        return [self._masked(row, rng) for row in rows]

    def _masked(self, row: Row, rng: np.random.Generator) -> dict[str, Any]:
        ids = np.asarray(row["input_ids"])
        maskable = np.flatnonzero(np.isin(ids, self.ordinary))
        chosen = rng.permutation(maskable)[: row["num_masked"]]
        labels = np.full(len(ids), IGNORED)
        labels[chosen] = ids[chosen]
        draws = rng.random(len(chosen))
        others = self.ordinary[rng.integers(len(self.ordinary), size=len(chosen))]
        hidden = ids.copy()
        hidden[chosen] = np.select(
            [draws < _BY_MASK, draws < _BY_MASK + _BY_RANDOM],
            [self.mask_id, others],
            ids[chosen],
        )
        return {**row, "input_ids": hidden.tolist(), "labels": labels.tolist()}
