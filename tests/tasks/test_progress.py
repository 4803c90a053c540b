"""Lines that say how far a piece of work is."""

import pytest

from dstilts.tasks import progress
from dstilts.tasks.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_short_work_passes_without_a_word(clock: list[float], capsys) -> None:
    work = Progress("tokens", 10)
    for number in range(11):
        clock[0] = 100 + 0.4 * number
        work.reached(number)
    assert capsys.readouterr().err == ""


def test_long_work_speaks_now_and_then(clock: list[float], capsys) -> None:
    work = Progress("tokens of mnli", 100_000)
    for second in range(1, 13):
        clock[0] = 100 + second
        work.reached(5_000 * second)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "tokens of mnli: 25,000 of 100,000, 5,000 a second, 15 s left",
        "tokens of mnli: 50,000 of 100,000, 5,000 a second, 10 s left",
    ]
