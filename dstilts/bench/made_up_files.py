"""Made-up data sets in the upstream layout, of any size."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dstilts.core.random_numbers import stream

_LABELS = ("entailment", "neutral", "contradiction")
_SYLLABLES = "ka to mi re lon ber sti pa qui ven dor al is em ter ing".split()
_NUM_WORDS = 30_000
_NUM_EVALUATED = 5_000
# Words of MNLI's first and second texts: mean and deviation of the logarithm.
_LENGTHS = ((2.71, 0.75), (2.20, 0.45))


def write_pairs(folder: Path, number: int) -> Path:
    """A made-up MNLI train file with the lengths of the real one, and an XNLI test set."""
    draws = stream("large input")
    parts = [draws.choice(_SYLLABLES, size=_NUM_WORDS) for _ in range(3)]
    counts = draws.integers(1, 4, size=_NUM_WORDS)
    words = ["".join(part[i] for part in parts[:n]) for i, n in enumerate(counts.tolist())]
    train = folder / "mnli" / "multinli_1.0_train.jsonl"
    test = folder / "xnli" / "test-en.tsv"
    for file in (train, test):
        file.parent.mkdir(parents=True)
    with train.open("w") as out:
        for place in range(number):
            # Learnable, so that the run is one that goes well.
            label = _LABELS[place % 3]
            first, second = _text(draws, words, 0), _text(draws, words, 1)
            row = {"gold_label": label, "sentence1": f"{label} {first}", "sentence2": second}
            out.write(json.dumps({**row, "pairID": f"{place}e", "genre": "made up"}) + "\n")
    with test.open("w") as out:
        for place in range(_NUM_EVALUATED):
            first, second = _text(draws, words, 0), _text(draws, words, 1)
            out.write(f"{first}\t{second}\t{_LABELS[place % 3]}\n")
    return train


def _text(draws: np.random.Generator, words: Sequence[str], side: int) -> str:
    number = max(1, round(float(draws.lognormal(*_LENGTHS[side]))))
    return " ".join([words[index % _NUM_WORDS] for index in draws.zipf(1.3, size=number).tolist()])
