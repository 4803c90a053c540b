"""Translations in a language without spaces: runs of characters that go with an English word.

Measured by Dice's coefficient over sentence pairs (as in Melamed 2000, "Models of Translational
Equivalence among Words"): 2 * together / (with the word + with the run).
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import groupby

import numpy as np

LONGEST_RUN = 6  # characters of a candidate
MIN_SENTENCES = 4  # in which a word and its translation stand together
MIN_DICE = 0.6

Sides = Sequence[Set[str]]  # the candidates of each sentence


def associated(english: Sides, other: Sides) -> Iterator[tuple[str, str]]:
    """English words and their translations, where each is the other's closest.

    Of two runs as close as each other the longer one is taken: a part of a word that never stands
    without the rest goes with the word as closely.
    """
    words, word_counts = _frequent(english)
    runs, run_counts = _frequent(other)
    word, run, together = _together(english, other, words, runs)
    dice = 2 * together / (word_counts[word] + run_counts[run])
    length = np.array([len(text) for text in runs], dtype=np.int64)
    kept = _closest(word, dice, length[run]) & _closest(run, dice, word_counts[word])
    kept &= (dice >= MIN_DICE) & (together >= MIN_SENTENCES)
    for left, right in zip(word[kept].tolist(), run[kept].tolist(), strict=True):
        yield words[left], runs[right]


def candidates(text: str) -> set[str]:
    """The runs of up to `LONGEST_RUN` characters of a Chinese or Japanese text.

    Katakana is not cut, and what has Latin letters or digits is no candidate.
    """
    found = set()
    for has_letters, group in groupby(text, _is_letter):
        if not has_letters:
            continue
        part = "".join(group)
        edges = [0, *(n for n in range(1, len(part)) if not _inside(part, n)), len(part)]
        for place, start in enumerate(edges):
            for stop in edges[place + 1 :]:
                if stop - start > LONGEST_RUN:
                    break
                found.add(part[start:stop])
    return found


def _is_letter(character: str) -> bool:
    # U+0250: below it there are only Latin letters.
    return unicodedata.category(character)[0] in "LM" and ord(character) >= 0x250


def _inside(text: str, place: int) -> bool:
    """Whether both characters around an edge are katakana, its mark of length among them."""
    return all(0x30A0 < ord(character) < 0x3100 for character in text[place - 1 : place + 1])


def _frequent(side: Sides) -> tuple[list[str], np.ndarray]:
    """What stands in enough sentences, in order, and in how many."""
    counts = Counter(text for sentence in side for text in sentence)
    kept = sorted(text for text, count in counts.items() if count >= MIN_SENTENCES)
    return kept, np.array([counts[text] for text in kept], dtype=np.int64)


def _together(
    english: Sides, other: Sides, words: Sequence[str], runs: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs of a word and a run that share a sentence, and how many they share."""
    of_word, of_run = ({text: n for n, text in enumerate(side)} for side in (words, runs))
    pairs = [np.zeros(0, dtype=np.int64)]
    for left, right in zip(english, other, strict=True):
        rows, columns = _numbers(left, of_word), _numbers(right, of_run)
        pairs.append((rows[:, None] * len(runs) + columns).ravel())
    keys, together = np.unique(np.concatenate(pairs), return_counts=True)
    return keys // max(len(runs), 1), keys % max(len(runs), 1), together


def _numbers(texts: Iterable[str], numbers: dict[str, int]) -> np.ndarray:
    return np.array([numbers[text] for text in texts if text in numbers], dtype=np.int64)


def _closest(groups: np.ndarray, dice: np.ndarray, preferred: np.ndarray) -> np.ndarray:
    """Which pair is the closest of its group; of equal ones the most preferred, then the first."""
    order = np.lexsort((np.arange(len(dice)), -preferred, -dice, groups))
    first = np.ones(len(order), dtype=bool)
    first[1:] = groups[order][1:] != groups[order][:-1]
    closest = np.zeros(len(order), dtype=bool)
    closest[order[first]] = True
    return closest
