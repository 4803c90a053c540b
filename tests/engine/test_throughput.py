"""Speeds and times, with a clock that the test sets."""

import time

import pytest
import torch

from dstilts.engine.throughput import StepTimer, ThroughputMeter, TimeLeft, percentiles
from tests.engine.steps import result


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


def test_tokens_and_flops_a_second(clock: Clock) -> None:
    meter = ThroughputMeter(lambda work: 100.0 * work.num_tokens)
    meter.add(result(0, (1.0, None)).work)  # 4 and 6 tokens
    meter.add(result(1, (None, 1.0)).work)  # 3 and 7 tokens
    clock.now += 5
    speed = meter.read()
    assert speed.tokens_per_second == 4
    assert speed.flops_per_second == 400
    assert speed.padding_share == pytest.approx(1 - 20 / 26)
    clock.now += 1
    assert meter.read().tokens_per_second == 0


def test_a_step_lasts_from_the_end_of_the_one_before(clock: Clock) -> None:
    timer = StepTimer(torch.device("cpu"))
    for seconds in (3.0, 1.0):
        clock.now += seconds
        timer.add()
    assert timer.read() == [3.0, 1.0]
    clock.now += 2
    timer.add()
    assert timer.read() == [2.0]


def test_the_first_stretch_is_forgotten(clock: Clock) -> None:
    left = TimeLeft()
    clock.now += 100  # compiles
    assert left.read(10, 90) == 900
    clock.now += 20
    assert left.read(10, 80) == 160
    clock.now += 40
    assert left.read(10, 70) == 210  # 60 seconds for 20 steps


def test_percentiles_are_times_that_were_measured() -> None:
    seconds = [float(number) for number in range(1, 101)]
    assert percentiles(seconds) == {"p50": 51.0, "p90": 91.0, "p99": 100.0}
    assert percentiles([0.5]) == {"p50": 0.5, "p90": 0.5, "p99": 0.5}
