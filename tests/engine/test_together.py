"""Work of one rank while the others wait: results and errors reach all, and no timeout ends it."""

import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dstilts.core.errors import RunError, UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine import together
from dstilts.engine.together import work_together


@dataclass
class Meeting:
    """What ranks that are threads of this process tell each other."""

    barrier: threading.Barrier
    values: list[Any]
    num_gathers: int = 0


@dataclass(frozen=True)
class ThreadGroup(ProcessGroup):
    """A rank that is a thread."""

    meeting: Any = field(default=None)

    def gather(self, value: Any) -> list[Any]:
        meeting = self.meeting
        meeting.values[self.rank] = value
        meeting.barrier.wait(60)
        found = list(meeting.values)
        meeting.num_gathers += self.is_main
        meeting.barrier.wait(60)
        return found


def on_ranks(works: list[Callable[[], Any] | None]) -> tuple[list[Any], Meeting]:
    """What `work_together` gives or raises on each rank."""
    meeting = Meeting(threading.Barrier(len(works)), [None] * len(works))
    found: list[Any] = [None] * len(works)

    def run(rank: int) -> None:
        group = ThreadGroup(rank, len(works), rank, meeting)
        try:
            found[rank] = work_together(group, works[rank])
        except Exception as error:
            found[rank] = error

    ranks = [threading.Thread(target=run, args=(rank,)) for rank in range(len(works))]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    return found, meeting


def fails_with(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_one_process_works_by_itself() -> None:
    caller = threading.get_ident()
    assert work_together(ProcessGroup(), lambda: threading.get_ident() == caller) == [True]
    assert work_together(ProcessGroup(), None) == [None]


def test_results_reach_all_ranks() -> None:
    found, _ = on_ranks([lambda: "first", None, lambda: 3])
    assert found == [["first", None, 3]] * 3


def test_ranks_hear_of_each_other_while_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "_INTERVAL", 0.01)
    found, meeting = on_ranks([lambda: time.sleep(0.2), None])
    assert found == [[None, None]] * 2
    assert meeting.num_gathers > 3


def test_a_mistake_of_the_user_is_the_same_on_all_ranks() -> None:
    mistake = UserError("no such file", file="a.tsv", line=3, remedy="copy it")
    found, _ = on_ranks([fails_with(mistake), None, None])
    assert [str(error) for error in found] == [str(mistake)] * 3
    assert all(isinstance(error, UserError) for error in found)


def test_another_error_keeps_its_traceback_where_it_was_raised() -> None:
    found, _ = on_ranks([None, fails_with(KeyError("x"))])
    assert isinstance(found[0], RunError)
    assert str(found[0]) == "rank 1: KeyError: 'x'"
    assert isinstance(found[1], KeyError)
    assert found[1].__traceback__ is not None


@pytest.mark.distributed
def test_work_may_take_longer_than_the_timeout(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    store = str(tmp_path / "store")
    ranks = [context.Process(target=_rank, args=(rank, store, tmp_path)) for rank in range(2)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    assert [rank.exitcode for rank in ranks] == [0, 0]
    assert [(tmp_path / f"{rank}.txt").read_text() for rank in range(2)] == ["['done', None]"] * 2


def _rank(rank: int, store: str, folder: Path) -> None:
    import torch.distributed as dist

    together._INTERVAL = 0.5
    dist.init_process_group(
        "gloo",
        init_method=f"file://{store}",
        rank=rank,
        world_size=2,
        timeout=timedelta(seconds=4),
    )

    def work() -> str:
        time.sleep(9)
        return "done"

    group = ProcessGroup(rank, 2, rank)
    found = work_together(group, work if group.is_main else None)
    (folder / f"{rank}.txt").write_text(str(found))
    dist.destroy_process_group()
