"""Memory between two moments, and a clock that leaves the first steps out."""

import time

from dstilts.bench.measure import MemoryWatch, Stopwatch


def test_the_peak_is_of_the_stretch_alone() -> None:
    with MemoryWatch() as watch:
        begin = time.time()
        time.sleep(0.3)
        before = time.time()
        block = bytearray(200 << 20)
        time.sleep(0.3)
        after = time.time()
        del block
    assert watch.peak(before, after) - watch.peak(begin, before) > 150 << 20


def test_warm_up_is_not_timed() -> None:
    clock = Stopwatch(num_steps=3, first_timed=1)
    clock.start()
    moments = []
    for step in (1, 2, 3):
        clock.stepped(step)
        moments.append(time.time())
        time.sleep(0.01)
    assert clock.begun <= clock.timed_from <= moments[0] <= clock.ended <= moments[2]
    assert clock.seconds == clock.ended - clock.timed_from
