"""IBM Model 1 against a plain loop, and on sentences from which the translations follow."""

from collections import defaultdict

import numpy as np
import pytest

from dstilts.tasks.transform import alignment
from dstilts.tasks.transform.alignment import model_1, transposed

SOURCE = [[1, 2], [1, 3], [4, 2, 2], [3], [1, 4, 3]]
TARGET = [[1, 2], [1, 3], [4, 2], [3, 5], [4, 1, 3]]


def arrays(sentences: list[list[int]]) -> list[np.ndarray]:
    return [np.array(sentence, dtype=np.int64) for sentence in sentences]


def plain_model_1(iterations: int) -> dict[tuple[int, int], float]:
    table: dict[tuple[int, int], float] = defaultdict(lambda: 1.0)
    for _ in range(iterations):
        counts: dict[tuple[int, int], float] = defaultdict(float)
        totals: dict[int, float] = defaultdict(float)
        for source, target in zip(SOURCE, TARGET, strict=True):
            for other in target:
                whole = sum(table[word, other] for word in (0, *source))
                for word in (0, *source):
                    share = table[word, other] / whole
                    counts[word, other] += share
                    totals[word] += share
        table = defaultdict(float, {pair: n / totals[pair[0]] for pair, n in counts.items()})
    return dict(table)


def test_it_equals_the_plain_loop() -> None:
    table = model_1(arrays(SOURCE), arrays(TARGET), 4)
    pairs = zip(table.source.tolist(), table.target.tolist(), strict=True)
    found = dict(zip(pairs, table.probability.tolist(), strict=True))
    assert found == pytest.approx(plain_model_1(4))
    assert table.probability.min() > 0


def test_the_translations_come_out() -> None:
    table = model_1(arrays(SOURCE), arrays(TARGET), 20)
    for word in (1, 2, 3, 4):
        rows = np.flatnonzero(table.source == word)
        assert table.target[rows[table.probability[rows].argmax()]] == word


def test_sentences_are_counted_once() -> None:
    table = model_1(arrays([[1, 1], [1], [2]]), arrays([[1, 1], [1], [1]]), 1)
    together = dict(zip(zip(table.source, table.target, strict=True), table.sentences, strict=True))
    assert together == {(0, 1): 3, (1, 1): 2, (2, 1): 1}


def test_transposed() -> None:
    table = transposed(model_1(arrays(SOURCE), arrays(TARGET), 3))
    keys = list(zip(table.source.tolist(), table.target.tolist(), strict=True))
    assert keys == sorted(keys)
    assert 0 not in table.target


def test_too_much_text_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "MAX_CELLS", 7)
    table = model_1(arrays(SOURCE), arrays(TARGET), 1)
    assert set(table.source.tolist()) == {0, 1, 2}
    monkeypatch.setattr(alignment, "MAX_CELLS", 0)
    assert len(model_1(arrays(SOURCE), arrays(TARGET), 1).source) == 0
