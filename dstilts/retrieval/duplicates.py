"""Sentences that stand several times on a side: BUCC's rules for them, as the official scripts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dstilts.retrieval.mining import MinedPairs


def distinct_rows(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """One row for each text, in the order the texts first appear in: its last row.

    Equal sentences count once as neighbours, with the vector of the last of them.
    """
    rows = {text: row for row, text in enumerate(texts)}
    return np.array(list(rows.values()), dtype=np.int64)


def repeated_rows(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """For each row whether its text stands on another row too."""
    counts = Counter(texts)
    return np.array([counts[text] > 1 for text in texts], dtype=bool)


def without_repeated(
    pairs: MinedPairs, sources: npt.NDArray[np.bool_], targets: npt.NDArray[np.bool_]
) -> MinedPairs:
    """The pairs neither of whose texts repeats: gold pairs do not tell which of them is meant."""
    return pairs.chosen(~(sources[pairs.sources_P] | targets[pairs.targets_P]))
