"""Translations by association in texts without spaces."""

import itertools

from dstilts.tasks.transform.association import MIN_SENTENCES, associated, candidates

WORDS = {"cat": "猫咪", "dog": "狗", "bird": "小鸟", "sees": "看见", "hears": "听到"}


def test_candidates() -> None:
    assert candidates("学生，A人") == {"学", "生", "学生", "人"}
    assert candidates("赤いコーヒー2") == {
        "赤",
        "い",
        "赤い",
        "コーヒー",
        "いコーヒー",
        "赤いコーヒー",
    }
    assert max(map(len, candidates("一二三四五六七八"))) == 6
    assert candidates("Only 12 letters.") == set()


def test_whole_words_are_found() -> None:
    lines = [
        (a, verb, b)
        for a, verb, b in itertools.product(("cat", "dog", "bird"), WORDS, ("cat", "dog", "bird"))
        if verb in ("sees", "hears") and a != b
    ]
    chinese = [candidates("".join(WORDS[word] for word in line)) for line in lines]
    # The parts of a word go with it as closely, but the whole is longer.
    assert dict(associated([set(line) for line in lines], chinese)) == WORDS


def test_what_is_rare_or_missing() -> None:
    few = MIN_SENTENCES - 1
    assert list(associated([{"cat"}] * few, [{"猫"}] * few)) == []
    assert list(associated([{"cat"}] * 4, [{"猫"}] * 4)) == [("cat", "猫")]
    assert list(associated([], [])) == []
    assert list(associated([{"cat"}] * 4, [set()] * 4)) == []
