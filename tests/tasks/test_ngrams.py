"""Runs of words that texts share, against a comparison of lists."""

import random

import numpy as np

from dstilts.tasks.ngrams import LENGTH, NgramIndex


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = text.lower().replace(",", " ").split()
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def test_the_same_as_lists_of_words() -> None:
    draw = random.Random(1)
    words = [f"w{number}" for number in range(8)]
    index = NgramIndex(length=3)
    trained = [" ".join(draw.choices(words, k=draw.randint(0, 9))) for _ in range(30)]
    known = index.add(trained)
    trained_runs = set().union(*(runs(text, 3) for text in trained))
    assert len(known) == len(trained_runs)
    asked = [
        [", ".join(draw.choices([*words, "unseen"], k=draw.randint(0, 6))) for _ in range(2)]
        for _ in range(200)
    ]
    expected = [any(runs(text, 3) & trained_runs for text in group) for group in asked]
    assert index.runs(asked).groups_with(known).tolist() == expected
    assert 20 < sum(expected) < 180


def test_no_run_goes_over_the_end_of_a_text() -> None:
    index = NgramIndex(length=2)
    known = index.add(["a b", "c d"])
    assert index.runs([["b c"], ["B", "c"], ["C  D!"]]).groups_with(known).tolist() == [
        False,
        False,
        True,
    ]


def test_scripts_without_spaces_count_characters() -> None:
    index = NgramIndex()
    known = index.add(["柏林的图书馆星期一开门吗我不知道", "ห้องสมุดในเบอร์ลินเปิดวันจันทร์"])
    assert index.runs([["柏林的图书馆星期一开门吗"], ["柏林的图书馆星期"]]).groups_with(
        known
    ).tolist() == [
        False,
        False,
    ]
    assert index.runs([["他说柏林的图书馆星期一开门吗我"]]).groups_with(known).tolist() == [True]
    assert LENGTH == 13


def test_nothing_added_is_nothing_found() -> None:
    index = NgramIndex()
    known = index.add([])
    assert index.runs([["a " * 20], []]).groups_with(known).tolist() == [False, False]
    assert known.dtype == np.uint64
