"""The BUCC protocol against the official walk in plain loops: duplicates, thresholds, scores."""

import numpy as np
import pytest
import torch

from dstilts.retrieval.bucc import mine_translations
from dstilts.retrieval.duplicates import distinct_rows, repeated_rows
from dstilts.tasks.examples import SentenceExample
from dstilts.tasks.metrics.mining import best_threshold, gold_pairs, pair_scores
from tests.retrieval import official_walk

Side = tuple[list[str], list[str], np.ndarray]


def corpus(seed: int) -> tuple[Side, Side, set[tuple[str, str]]]:
    """Two sides of (ids, texts, vectors) with noisy translations, some texts twice; gold pairs."""
    draws = np.random.default_rng(seed)
    meanings = draws.normal(size=(25, 8))
    sides: list[Side] = []
    kept = []
    for side in "st":
        chosen = draws.integers(0, 25, int(draws.integers(8, 30)))
        noise = draws.uniform(0.1, 1.5) * draws.normal(size=(len(chosen), 8))
        texts = [
            f"{side} meaning {n}" if n % 5 else f"{side} {n} {i}" for i, n in enumerate(chosen)
        ]
        ids = [f"{side}-{i}" for i in range(len(chosen))]
        sides.append((ids, texts, (meanings[chosen] + noise).astype(np.float32).astype(float)))
        kept.append(chosen)
    gold = {
        (sides[0][0][i], sides[1][0][j])
        for i, n in enumerate(kept[0])
        for j, other in enumerate(kept[1])
        if n == other and draws.random() < 0.8
    }
    return sides[0], sides[1], gold | {("s-0", "t-0")}


def examples_of(source: Side, target: Side, gold: set[tuple[str, str]]) -> list[SentenceExample]:
    return [
        SentenceExample(n, text, "source", tuple(sorted(j for i, j in gold if i == n)))
        for n, text, _ in zip(*source, strict=True)
    ] + [SentenceExample(n, text, "target", ()) for n, text, _ in zip(*target, strict=True)]


def test_same_as_the_official_walk() -> None:
    thresholds, repeated, whole = [], 0, 0
    for seed in range(60):
        source, target, gold = corpus(seed)
        examples = examples_of(source, target, gold)
        vectors = torch.from_numpy(np.concatenate([source[2], target[2]]))
        found = mine_translations(examples, vectors)
        expected = official_walk.candidates(source, target, 4)
        assert {(i, j): score for i, (j, score) in found.items()} == expected
        assert gold_pairs(examples) == gold
        repeated += len(set(source[1])) < len(source[1])
        threshold = best_threshold(examples, found)
        try:
            assert threshold == official_walk.optimize(expected, gold)
        except IndexError:
            # The official script fails where all pairs are taken: ours is the last one's score.
            assert threshold == min(expected.values())
            whole += 1
        taken = [(i, j) for i, (j, score) in found.items() if score >= threshold]
        metrics = pair_scores(gold, taken)
        assert (metrics["precision"], metrics["recall"], metrics["f1"]) == pytest.approx(
            official_walk.scores(expected, gold, threshold)
        )
        thresholds.append(threshold)
    assert len(set(thresholds)) > 30, "cases that are all alike prove nothing"
    assert repeated > 30
    assert 0 < whole < 30


def test_rows_of_repeated_texts() -> None:
    texts = ["a", "b", "a", "c", "b", "a"]
    assert distinct_rows(texts).tolist() == [5, 4, 3]
    assert repeated_rows(texts).tolist() == [True, True, True, False, True, True]
    assert distinct_rows([]).tolist() == repeated_rows([]).tolist() == []


def test_case_and_side_tell_texts_apart() -> None:
    examples = [
        SentenceExample("s1", "same", "source", ()),
        SentenceExample("s2", "same", "source", ()),
        SentenceExample("s3", "Same", "source", ()),
        SentenceExample("t1", "same", "target", ()),
    ]
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [1.0, 0.2]])
    assert list(mine_translations(examples, vectors)) == ["s3"]
