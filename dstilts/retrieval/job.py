"""A mining job from two sides to scored pairs: duplicates, search, pairs, threshold, scores.

Shapes: P pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dstilts.core.errors import UserError
from dstilts.core.files import atomic_file
from dstilts.core.logs import log
from dstilts.core.registry import lookup
from dstilts.retrieval.crew import Crew
from dstilts.retrieval.duplicates import distinct_rows, repeated_rows, without_repeated
from dstilts.retrieval.margins import MARGINS
from dstilts.retrieval.mining import NUM_NEIGHBOURS, STRATEGIES, MinedPairs, mined
from dstilts.retrieval.search import EXACT, SearchOptions, mutual_search
from dstilts.retrieval.sides import Side
from dstilts.retrieval.stream import (
    BLOCK_BYTES,
    StateFile,
    Vectors,
    stream_mutual_search,
    unusable_row,
)
from dstilts.tasks.metrics.mining import Pair, pair_scores, walked_threshold
from dstilts.tasks.progress import Progress


@dataclass(frozen=True)
class MiningOptions:
    """How pairs are found and which are kept.

    Raises:
        UserError: a value that there is not.
    """

    k: int = NUM_NEIGHBOURS
    """Neighbours a sentence, in the margins and as its candidates."""
    margin: str = "ratio"
    strategy: str = "max"
    threshold: float | None = None
    """The score from which on pairs count; None: with gold pairs the best one, else all count."""
    search: SearchOptions = EXACT

    def __post_init__(self) -> None:
        lookup("margin", self.margin, dict.fromkeys(MARGINS))
        lookup("strategy", self.strategy, dict.fromkeys(STRATEGIES))
        if self.k < 1:
            raise UserError(f"k must be at least 1, not {self.k}")
        one = torch.ones(1, 1)
        try:
            mutual_search(one, one, 1, self.search)
        except ValueError as error:
            raise UserError(str(error)) from None


@dataclass(frozen=True)
class MinedSide:
    """A side with the vectors of its distinct sentences.

    Attributes:
        rows: of the side, one for each vector.
        repeats: for each vector whether its text stands on several rows.
    """

    side: Side
    rows: npt.NDArray[np.int64]
    repeats: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, side: Side) -> "MinedSide":
        """All rows, or where the texts are known those that stand for one text each."""
        if side.texts is None:
            return cls(side, np.arange(len(side)), np.zeros(len(side), dtype=bool))
        rows = distinct_rows(side.texts)
        return cls(side, rows, repeated_rows(side.texts)[rows])

    def texts(self) -> list[str]:
        """The distinct texts."""
        assert self.side.texts is not None
        return [self.side.texts[row] for row in self.rows]

    def chosen(self, matrix: npt.NDArray[Any]) -> Vectors:
        """The vectors of the distinct sentences among those of all."""
        return Vectors(matrix, None if len(self.rows) == len(matrix) else self.rows)

    def check(self, vectors: Vectors, matrix_rows: bool) -> None:
        """Looks at every vector.

        Args:
            matrix_rows: the vectors were given; an error names the row of their file.

        Raises:
            UserError: a vector is zero or not finite.
        """
        found = unusable_row(vectors)
        if found is not None:
            row = int(self.rows[found[0]])
            what = f"row {row}" if matrix_rows else f"the vector of {self.side.ids[row]!r:.80}"
            remedy = "rows count from 0; leave it out, of its id file too" if matrix_rows else None
            raise UserError(f"{what} {found[1]}", file=self.side.file, remedy=remedy)


@dataclass(frozen=True)
class MiningResult:
    """Pairs of row numbers of both sides from the threshold on; scores in per cent with gold."""

    pairs: MinedPairs
    threshold: float | None
    scores: dict[str, float] | None
    best_threshold: float | None

    def table(self) -> dict[str, float | int | None]:
        """What `--json` writes."""
        scores = self.scores or {}
        named = {name: scores.get(name) for name in ("precision", "recall", "f1")}
        return {"pairs": len(self.pairs.scores_P), "threshold": self.threshold, **named}


def mine_sides(
    sides: tuple[MinedSide, MinedSide],
    vectors: tuple[Vectors, Vectors],
    options: MiningOptions,
    gold: set[Pair] | None,
    state: StateFile,
    crew: Crew,
) -> MiningResult:
    """Mines the pairs of two sides, and scores them where gold pairs are given.

    Args:
        vectors: of the distinct sentences; checked already.
        state: of the search, see `stream_mutual_search`.
        crew: searches.
    """
    # Each rank has a part of a block.
    block_bytes = BLOCK_BYTES * crew.size
    num_blocks = [len(side_vectors.spans(block_bytes)) for side_vectors in vectors]
    progress = Progress("searched blocks", num_blocks[0] * num_blocks[1])
    forward, backward = stream_mutual_search(
        *vectors,
        options.k,
        options.search,
        state=state,
        block_bytes=block_bytes,
        say=lambda done, total: progress.reached(done),
        search=crew.search,
    )
    found = mined(forward, backward, options.margin, options.strategy)
    found = without_repeated(found, sides[0].repeats, sides[1].repeats)
    source, target = sides
    pairs = MinedPairs(source.rows[found.sources_P], target.rows[found.targets_P], found.scores_P)
    return _scored(pairs, source.side, target.side, options.threshold, gold)


def _scored(
    pairs: MinedPairs, source: Side, target: Side, threshold: float | None, gold: set[Pair] | None
) -> MiningResult:
    best = None
    ids: list[Pair] = []
    if gold is not None:
        ids = _ids(pairs, source, target)
        hits = np.array([pair in gold for pair in ids], dtype=bool)
        best = walked_threshold(pairs.scores_P, hits, len(gold))
        threshold = best if threshold is None else threshold
    if threshold is not None:
        pairs = pairs.chosen(pairs.scores_P >= threshold)  # the best ones: a prefix
    scores = None if gold is None else pair_scores(gold, ids[: len(pairs.scores_P)])
    return MiningResult(pairs, threshold, scores, best)


def _ids(pairs: MinedPairs, source: Side, target: Side) -> list[Pair]:
    rows = zip(pairs.sources_P.tolist(), pairs.targets_P.tolist(), strict=True)
    return [(source.ids[i], target.ids[j]) for i, j in rows]


def write_pairs(file: Path, pairs: MinedPairs, source: Side, target: Side) -> None:
    """Writes `score<TAB>source id<TAB>target id[<TAB>source text<TAB>target text]`, best first.

    Texts stand there where both sides have them, with spaces for tabs. Atomic.
    """
    with atomic_file(file) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for i, j, score in zip(*(values.tolist() for values in pairs), strict=True):
            fields = [repr(score), source.ids[i], target.ids[j]]
            if source.texts is not None and target.texts is not None:
                fields += [text.replace("\t", " ") for text in (source.texts[i], target.texts[j])]
            stream.write("\t".join(fields) + "\n")


def say_repeated(sides: Sequence[MinedSide]) -> None:
    """Tells how many sentences cannot be in a pair because their text repeats."""
    for which, side in zip(("source", "target"), sides, strict=True):
        number = len(side.side) - int((~side.repeats).sum())
        if number:
            log(f"{number} {which} sentences have a text that repeats: in no pair (BUCC's rule)")
