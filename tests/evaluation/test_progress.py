"""How far an evaluation is: counts, time left by expected costs, lines of a log, a table."""

import dataclasses
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from dstilts.evaluation import progress
from dstilts.evaluation.progress import Progress, SetName, Tracker, bar, task_words
from dstilts.evaluation.shards import Shard
from tests.evaluation.made_shards import made_shard

DE, FR, TAGS = (SetName("m", *name) for name in (("xnli", "de"), ("xnli", "fr"), ("panx", "de")))


def work() -> list[tuple[Shard, list[SetName]]]:
    """Three shards of two micro-batches, with 2 rows of 7 tokens and 1 of 5; the last is dear."""
    folder = Path("shards")
    shards = [
        dataclasses.replace(made_shard(folder, n), seconds=s) for n, s in enumerate((1, 1, 8))
    ]
    return list(zip(shards, ([DE, FR], [DE, TAGS], [FR, TAGS]), strict=True))


def test_time_left_comes_from_what_shards_were_expected_to_take() -> None:
    tracker = Tracker(work(), workers=2, now=100.0)
    assert tracker.seconds_left(100.0) == 5.0, "nothing is known: two workers, as expected"
    for _ in range(2):  # its file was broken
        tracker.advance(work()[0][0])
    # One of ten expected seconds took four; by count two thirds would be left.
    assert tracker.seconds_left(104.0) == 36.0
    assert tracker.share() == 0.1
    tracker.advance(work()[2][0])
    assert tracker.seconds_left(118.0) == 2.0
    assert tracker.words(118.0) == "2 of 3 shards, 2 tokens/s, 0 rows/s, 2 s left"
    tracker.advance(work()[1][0])
    assert tracker.seconds_left(120.0) == 0.0
    assert tracker.words(103.0) == "3 of 3 shards, 19 tokens/s, 3 rows/s, 0 s left"


def test_a_language_is_complete_with_its_last_shard() -> None:
    tracker = Tracker(work(), workers=1, now=0.0)
    assert tracker.tasks() == {"xnli": (0.0, [], 0), "panx": (0.0, [], 0)}
    tracker.advance(work()[0][0])
    assert tracker.tasks() == {"xnli": (0.5, [], 2), "panx": (0.0, [], 0)}
    tracker.advance(work()[1][0])
    assert tracker.tasks() == {"xnli": (0.75, ["de"], 1), "panx": (0.5, [], 1)}
    words = "xnli 75%, 1 languages begun, complete: de; panx 50%, 1 languages begun"
    assert task_words(tracker) == words
    tracker.advance(work()[2][0])
    assert task_words(tracker) == "xnli complete; panx complete"


def test_a_language_of_two_models_is_complete_with_both() -> None:
    (one, _), (other, _), _ = work()
    again = dataclasses.replace(DE, model="n")
    tracker = Tracker([(one, [DE]), (other, [again])], workers=1, now=0.0)
    tracker.advance(one)
    assert tracker.tasks() == {"xnli": (0.5, [], 1)}


def test_a_log_has_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    with Progress(work(), workers=1) as shown:
        for (shard, _), now in zip(work(), (29.0, 31.0, 33.0), strict=True):
            clock[0] = now
            shown.advance(shard)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[2].partition(";")[0] for line in lines] == [
        "evaluated 2 of 3 shards, 1 tokens/s, 0 rows/s, 2 min left"
    ]
    assert progress.LINE_SECONDS == 30


def test_a_terminal_shows_tasks_and_is_left_clean() -> None:
    program = (
        "import time; from tests.evaluation.test_progress import *\n"
        "with Progress(work(), 2) as shown:\n"
        "    for shard, _ in work()[:2]: shown.advance(shard)\n"
        "    time.sleep(1.2)\n"
        "print('the end')"
    )
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm"},
        cwd=Path(__file__).parents[2],
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            shown += os.read(leader, 65536)
        except OSError:  # the other end is closed
            break
    assert process.wait(timeout=60) == 0
    os.close(leader)
    text = shown.decode()
    assert re.search(rf"{bar(0.2)} 2 of 3 shards, [\d,]+ tokens/s, [\d,]+ rows/s, ", text)
    assert re.search(rf"xnli +{bar(0.75)} +75% +1 begun +de", text)
    assert re.search(rf"panx +{bar(0.5)} +50% +1 begun", text)
    # The table is taken down line by line before the next output.
    assert text.rstrip().endswith("the end")
    last = text[text.rindex("panx") :]
    assert last.count("\x1b[2K") >= 3
