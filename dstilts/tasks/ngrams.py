"""Runs of n words that texts share, as sets of 64-bit hashes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LENGTH = 13  # words, as in the contamination studies of language models (arXiv 2005.14165)

# Scripts that do not separate words count by the character: Chinese characters and kana, and of
# Thai, Lao, Burmese and Khmer a letter with the signs around it.
_HAN_KANA = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_LETTERS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_SIGNS = r"\u0e30-\u0e3a\u0e47-\u0e4e\u0eb0-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3"
_UNITS = re.compile(
    rf"[{_HAN_KANA}]|[{_LETTERS}][{_SIGNS}]*|[^\W{_HAN_KANA}{_LETTERS}]+", re.UNICODE
)
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplication loses nothing
_BREAK = -1  # between texts
_UNKNOWN = -2  # a word of no text that was added

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Runs:
    """The runs of groups of texts, and which group each belongs to."""

    num_groups: int
    hashes: Hashes
    owners: npt.NDArray[np.int64]

    def groups_with(self, known: Hashes) -> npt.NDArray[np.bool_]:
        """For each group whether one of its runs is among `known` (ascending)."""
        hits = np.zeros(self.num_groups, dtype=bool)
        if len(known) and len(self.hashes):
            places = np.minimum(np.searchsorted(known, self.hashes), len(known) - 1)
            hits[self.owners[known[places] == self.hashes]] = True
        return hits


class NgramIndex:
    """Sets of texts and the runs of `length` words that stand in them."""

    def __init__(self, length: int = LENGTH) -> None:
        self._length = length
        self._words: dict[str, int] = {}

    def add(self, texts: Iterable[str]) -> Hashes:
        """The hashes of all runs of some texts, ascending and distinct; keeps their words."""
        ids: list[int] = []
        for text in texts:
            for word in _UNITS.findall(text.lower()):
                ids.append(self._words.setdefault(word, len(self._words)))
            ids.append(_BREAK)
        hashes, _ = self._runs(np.array(ids, dtype=np.int64))
        return np.unique(hashes)

    def runs(self, texts: Sequence[Sequence[str]]) -> "Runs":
        """All runs of groups of texts; words that were never added make a run unlike any other."""
        ids: list[int] = []
        owners: list[int] = []
        for owner, group in enumerate(texts):
            for text in group:
                found = [self._words.get(w, _UNKNOWN) for w in _UNITS.findall(text.lower())]
                ids += found
                ids.append(_BREAK)
                owners += [owner] * (len(found) + 1)
        hashes, starts = self._runs(np.array(ids, dtype=np.int64))
        return Runs(len(texts), hashes, np.array(owners, dtype=np.int64)[starts])

    def _runs(self, ids: npt.NDArray[np.int64]) -> tuple[Hashes, npt.NDArray[np.int64]]:
        """The hashes of all whole runs, and where each begins."""
        number = len(ids) - self._length + 1
        if number <= 0:
            return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
        hashes = np.zeros(number, dtype=np.uint64)
        for offset in range(self._length):
            # Wraps around, which is what a hash may do.
            hashes = hashes * _BASE + (ids[offset : offset + number] + 3).astype(np.uint64)
        broken = np.concatenate([[0], np.cumsum(ids < 0)])
        starts = np.flatnonzero(broken[self._length :] == broken[:number])
        return hashes[starts], starts
