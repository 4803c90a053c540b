"""A bilingual lexicon learned from parallel files: words that go with each other both ways.

Nothing learned from a task's evaluation files should train what that task evaluates: for scores on
Tatoeba, learn from other files.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from dstilts.core.errors import UserError
from dstilts.tasks.languages import LANGUAGES
from dstilts.tasks.transform.alignment import model_1, transposed
from dstilts.tasks.transform.association import associated, candidates
from dstilts.tasks.transform.lexicon import Lexicon, collected
from dstilts.tasks.transform.parallel_files import parallel_lines
from dstilts.tasks.transform.words import WORD, normal

ITERATIONS = 8
MIN_SENTENCES = 3  # in which a word and its translation stand together
MIN_PROBABILITY = 0.3  # the geometric mean of both directions' probabilities
_UNSPACED = frozenset("Hans Jpan".split())  # Chinese and Japanese: see `association`
# Runs of characters cut Thai and Burmese words into pieces.
_NOT_LEARNED = frozenset("Mymr Thai".split())
_ELIDING = frozenset("fr it".split())  # "l'eau" is two words


@lru_cache(maxsize=64)
def learned_lexicon(folder: Path, language: str) -> Lexicon:
    """The best translation of each English word for which there is a reliable one.

    Reliable is a pair of which each is the other's likeliest translation by IBM Model 1, that
    stands together in at least `MIN_SENTENCES` lines and whose probabilities in both directions
    have a geometric mean of at least `MIN_PROBABILITY`. Translations are single words, as they are
    mostly written. For Chinese and Japanese, see `association`.

    Raises:
        UserError: see `parallel_lines`; the language is Thai or Burmese, or no pair is reliable.
    """
    if language in LANGUAGES and LANGUAGES[language].script in _NOT_LEARNED:
        raise UserError(
            f"no lexicon is learned for {LANGUAGES[language].name}: no spaces part its words",
            remedy="take the lexicon 'muse' or 'phrasebook'",
        )
    lines = list(parallel_lines(folder, language))
    learn = _by_association if LANGUAGES[language].script in _UNSPACED else _by_alignment
    pairs = {word: [translation] for word, translation in learn(lines, language)}
    lexicon = collected(language, pairs)
    if not lexicon.entries:
        raise UserError(f"no reliable translation into {language!r} in these files", file=folder)
    return lexicon


def _by_association(lines: Sequence[tuple[str, str]], language: str) -> Iterator[tuple[str, str]]:
    english = [set(map(normal, WORD.findall(text))) for text, _ in lines]
    return associated(english, [candidates(translation) for _, translation in lines])


def _by_alignment(lines: Sequence[tuple[str, str]], language: str) -> Iterator[tuple[str, str]]:
    english, other = _Vocabulary(), _Vocabulary()
    source = [english.numbers(map(normal, WORD.findall(text))) for text, _ in lines]
    target = [other.numbers(_words(translation, language)) for _, translation in lines]
    for word, translation_number in _reliable(source, target):
        yield english.written(word), other.written(translation_number)


def _reliable(source: list[np.ndarray], target: list[np.ndarray]) -> Iterator[tuple[int, int]]:
    """Pairs of words that IBM Model 1 aligns both ways."""
    there = model_1(source, target, ITERATIONS)
    back = transposed(model_1(target, source, ITERATIONS))
    width = int(max(there.target.max(initial=0), back.target.max(initial=0))) + 1
    _, first, second = np.intersect1d(
        there.source * width + there.target,
        back.source * width + back.target,
        assume_unique=True,
        return_indices=True,
    )
    score = np.sqrt(there.probability[first] * back.probability[second])
    words, translations = there.source[first], there.target[first]
    reliable = _best(words, score) & _best(translations, score)
    reliable &= (score >= MIN_PROBABILITY) & (there.sentences[first] >= MIN_SENTENCES)
    yield from zip(words[reliable].tolist(), translations[reliable].tolist(), strict=True)


def _best(groups: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Which pair has the highest score of its group; of equal ones the first."""
    order = np.lexsort((np.arange(len(score)), -score, groups))
    first = np.ones(len(order), dtype=bool)
    first[1:] = groups[order][1:] != groups[order][:-1]
    best = np.zeros(len(order), dtype=bool)
    best[order[first]] = True
    return best


class _Vocabulary:
    """Words as numbers from 1 in the order they are met, and how each is mostly written."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._written: dict[int, Counter[str]] = {}

    def numbers(self, words: Iterable[str]) -> np.ndarray:
        """The numbers of the words of a line, capitals apart."""
        found = []
        for index, word in enumerate(words):
            number = self._numbers.setdefault(word.lower(), len(self._numbers) + 1)
            # The first word of a line may owe its capital to its place.
            self._written.setdefault(number, Counter({word.lower(): 0}))[word] += index > 0
            found.append(number)
        return np.array(found, dtype=np.int64)

    def written(self, number: int) -> str:
        """How the word is mostly written; in lower case, if it only ever begins a line."""
        counts = self._written[number]
        return min(counts, key=lambda form: (-counts[form], form != form.lower(), form))


def _words(text: str, language: str) -> Iterator[str]:
    """What stands between spaces, without punctuation at its edges and without what has digits."""
    text = unicodedata.normalize("NFC", text)
    if language in _ELIDING:
        text = text.replace("'", "' ").replace("’", "’ ")
    for part in text.split():
        letters = [index for index, character in enumerate(part) if _in_word(character)]
        if letters and not any(character.isdigit() for character in part):
            yield part[letters[0] : letters[-1] + 1]


def _in_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"
