"""The parts of the measurement of a large training set: its files, and ranks seen from outside."""

import json
import os
from pathlib import Path

import numpy as np

from dstilts.bench.large_input import _phase
from dstilts.bench.made_up_files import write_pairs
from dstilts.bench.watched_ranks import _cpu_seconds, _Events, _memory
from dstilts.tasks.local import LocalSource


def test_made_up_files_are_read_as_the_real_ones(tmp_path: Path) -> None:
    write_pairs(tmp_path, 900)
    source = LocalSource(tmp_path)
    training = source.load("mnli", "train", "en")
    assert len(training) == 900
    labels = {example.label for example in training.examples}
    assert labels == {"entailment", "neutral", "contradiction"}
    assert len(source.load("xnli", "test", "en")) > 0
    # MNLI's medians are 17 and 9 words; the first text begins with the label.
    words = [[len(t.split()) for t in (e.text_a, e.text_b)] for e in training.examples]
    medians = np.median(words, axis=0)
    assert 12 < medians[0] < 22
    assert 7 < medians[1] < 12


def test_the_same_files_again(tmp_path: Path) -> None:
    one, other = (write_pairs(tmp_path / name, 50).read_bytes() for name in "ab")
    assert one == other


def test_both_starts_want_the_same_rows(tmp_path: Path) -> None:
    built, cached = (_phase(tmp_path, name, "default", steps=5) for name in ("built", "cached"))
    assert (built.tasks, built.data, built.batch) == (cached.tasks, cached.data, cached.batch)


def test_steps_are_read_while_the_file_grows(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    events = _Events(file)
    assert events.newest_step() == 0
    lines = [json.dumps({"time": 5.0 + n, "event": "train", "step": n}) + "\n" for n in range(4)]
    file.write_text('{"time": 1.0, "event": "start"}\n' + lines[0] + lines[1][:9])
    assert (events.newest_step(), events.first_time) == (1, 5.0)
    assert events.newest_step() == 1
    with file.open("a") as stream:
        stream.write(lines[1][9:] + lines[2] + lines[3])
    assert (events.newest_step(), events.first_time) == (4, 5.0)


def test_memory_and_time_of_a_process() -> None:
    memory = _memory(os.getpid())
    assert memory["VmHWM"] >= memory["VmRSS"] >= memory["RssAnon"] > 0
    assert _cpu_seconds(os.getpid()) > 0
    assert _memory(2**22 + 1) == {"VmHWM": 0.0, "VmRSS": 0.0, "RssAnon": 0.0}
