"""Lost, hanging and failing work is done again, by whoever is there; what fails thrice is named."""

import errno
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dstilts.core.errors import RunError, UserError
from dstilts.evaluation import schedule as rules
from dstilts.evaluation.executors import Workers
from dstilts.evaluation.schedule import Schedule
from dstilts.evaluation.shards import Shard
from tests.evaluation.made_shards import made_shard


class FakeWorker:
    """A thread in place of a process; an interrupt ends it as a kill would a process."""

    def __init__(self, replaceable: bool = True) -> None:
        self.replaced = 0
        self._replaceable = replaceable
        self._threads = ThreadPoolExecutor(4)  # those that hang stay

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                result = function(*arguments)
            except KeyboardInterrupt:
                result = BrokenExecutor("it was killed")
            if isinstance(result, BrokenExecutor):
                future.set_exception(result)
            else:
                future.set_result(result)

        self._threads.submit(run)
        return future

    def replace(self) -> bool:
        self.replaced += 1
        return self._replaceable


@pytest.fixture
def release() -> Any:
    """What hanging shards wait for."""
    event = threading.Event()
    yield event
    event.set()


def shards(folder: Path, number: int) -> list[Shard]:
    return [made_shard(folder, index) for index in range(number)]


def outcomes(
    workers: list[FakeWorker], run: Callable[[Shard], object], work: list[Shard]
) -> dict[str, str | None]:
    """By number of the shard its problem; each shard has one outcome."""
    with Schedule(Workers(workers, 1), run) as schedule:
        schedule.add(work)
        found = [schedule.next() for _ in work]
    assert len({outcome.shard.file for outcome in found}) == len(work)
    return {outcome.shard.file.stem: outcome.problem for outcome in found}


def test_lost_workers_are_replaced_and_their_shards_done_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done: Counter[str] = Counter()

    def run(shard: Shard) -> None:
        done[shard.file.stem] += 1
        if shard.file.stem == "00001" and done["00001"] < 3:
            raise KeyboardInterrupt

    workers = [FakeWorker(), FakeWorker()]
    found = outcomes(workers, run, shards(tmp_path, 6))
    assert set(found.values()) == {None}
    assert done == Counter({f"{n:05d}": 3 if n == 1 else 1 for n in range(6)})
    assert sum(worker.replaced for worker in workers) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "done again" in line]
    assert len(said) == 2
    assert "shard 00001 of m: its worker was lost; it is done again (try 2 of 3)" in said[0]


def test_what_fails_three_times_is_given_up_with_its_reason(tmp_path: Path) -> None:
    tries: Counter[str] = Counter()

    def run(shard: Shard) -> None:
        tries[shard.file.stem] += 1
        if shard.file.stem == "00002":
            raise ValueError("no\nsuch tag")

    found = outcomes([FakeWorker()], run, shards(tmp_path, 4))
    assert tries["00002"] == rules.TRIES == 3
    assert sum(tries.values()) == 6
    problem = found.pop("00002")
    assert problem is not None
    assert problem.startswith("ValueError: no such tag (test_schedule.py:")
    assert set(found.values()) == {None}


@pytest.mark.parametrize("replaceable", [True, False])
def test_a_hanging_shard_is_given_to_another_worker(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    release: threading.Event,
    replaceable: bool,
) -> None:
    monkeypatch.setattr(rules, "START_PATIENCE", 0.3)
    monkeypatch.setattr(rules, "SLOWNESS", 0.0)
    monkeypatch.setattr(rules, "_LOOK_SECONDS", 0.1)
    hung: list[str] = []

    def run(shard: Shard) -> None:
        if shard.file.stem == "00000" and not hung:
            hung.append(shard.file.stem)
            release.wait()

    workers = [FakeWorker(replaceable), FakeWorker(replaceable)]
    group = Workers(workers, 1)
    with Schedule(group, run) as schedule:
        schedule.add(shards(tmp_path, 3))
        assert {schedule.next().problem for _ in range(3)} == {None}
    assert hung == ["00000"]
    assert group.has_lost is not replaceable
    assert sum(worker.replaced for worker in workers) == 1


def test_all_ranks_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: threading.Event
) -> None:
    monkeypatch.setattr(rules, "START_PATIENCE", 0.2)
    monkeypatch.setattr(rules, "SLOWNESS", 0.0)
    monkeypatch.setattr(rules, "_LOOK_SECONDS", 0.1)
    workers = [FakeWorker(False), FakeWorker(False)]
    with pytest.raises(RunError, match="all workers hang"):
        outcomes(workers, lambda shard: release.wait(), shards(tmp_path, 3))


def test_a_slow_shard_does_not_hang_and_a_single_worker_is_never_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "START_PATIENCE", 0.0)
    monkeypatch.setattr(rules, "_LOOK_SECONDS", 0.05)
    slow = threading.Event()
    workers = [FakeWorker(), FakeWorker()]
    # Each has 20 times its estimate of a second.
    assert outcomes(workers, lambda shard: slow.wait(0.4), shards(tmp_path, 2)) == {
        "00000": None,
        "00001": None,
    }
    monkeypatch.setattr(rules, "SLOWNESS", 0.0)
    alone = FakeWorker()
    assert outcomes([alone], lambda shard: slow.wait(0.4), shards(tmp_path, 1)) == {"00000": None}
    assert [worker.replaced for worker in (*workers, alone)] == [0, 0, 0]


def test_a_mistake_ends_everything_at_once(tmp_path: Path) -> None:
    def run(shard: Shard) -> None:
        raise UserError("no such table", file="x", line=3, remedy="make it")

    with pytest.raises(UserError, match="x:3: no such table; make it"):
        outcomes([FakeWorker()], run, shards(tmp_path, 2))


def test_a_full_disk_ends_everything_in_one_line(tmp_path: Path) -> None:
    def run(shard: Shard) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

    with pytest.raises(RunError, match=r"the disk is full \(.* free\): what was computed before"):
        outcomes([FakeWorker()], run, shards(tmp_path, 2))


def test_workers_that_cannot_begin_are_not_tried_for_every_shard(tmp_path: Path) -> None:
    tries: list[str] = []

    def run(shard: Shard) -> None:
        tries.append(shard.file.stem)
        raise KeyboardInterrupt

    with pytest.raises(RunError, match="4 workers in a row were lost"):
        outcomes([FakeWorker()], run, shards(tmp_path, 100))
    assert len(tries) == 4


def test_work_that_is_taken_back_counts_as_a_failure(tmp_path: Path) -> None:
    (shard,) = shards(tmp_path, 1)
    with Schedule(Workers([FakeWorker()], 1), lambda shard: None) as schedule:
        schedule.add([shard])
        for _ in range(2):
            assert schedule.next().problem is None
            schedule.again(shard, "a flipped bit")
        assert schedule.next().problem is None
        schedule.again(shard, "a flipped bit")
        assert schedule.next().problem == "a flipped bit"
