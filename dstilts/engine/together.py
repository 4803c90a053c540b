"""Work that one rank does while the others wait for it, however long it takes."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from dstilts.core.errors import RunError, UserError
from dstilts.core.process_group import ProcessGroup

T = TypeVar("T")

_INTERVAL = 2.0  # seconds between two words from a rank at work, far below any timeout


@dataclass(frozen=True)
class _Report:
    """What a rank says of its work: it goes on, it has a result, or it has failed."""

    is_done: bool
    result: Any = None
    error: Exception | None = None


def work_together(group: ProcessGroup, work: Callable[[], T] | None) -> list[T | None]:
    """Does each rank's work and returns all results, by rank (collectives).

    A collective that waits for hours would end by its timeout, and one that waits for a dead rank
    has to. So the work is done in a thread, and the ranks tell each other every few seconds that
    they are there.

    Args:
        work: of this rank; None: it only waits. The result is sent to the other ranks.

    Raises:
        UserError: on every rank, if it is raised on one; RunError: another error on another rank.
    """
    if group.world_size == 1:
        return [work() if work else None]
    with ThreadPoolExecutor(1, thread_name_prefix="work") as pool:
        future = pool.submit(work) if work else None
        while True:
            if future is not None:
                wait([future], timeout=_INTERVAL)
            reports = group.gather(_report(future, group.rank))  # a collective
            if future is not None and reports[group.rank].error is not None:
                future.result()  # raises, with its own traceback
            for report in reports:
                if report.error is not None:
                    raise report.error
            if all(report.is_done for report in reports):
                return [report.result for report in reports]


def _report(future: "Future[Any] | None", rank: int) -> _Report:
    if future is None:
        return _Report(is_done=True)
    if not future.done():
        return _Report(is_done=False)
    error = future.exception()
    if error is None:
        return _Report(is_done=True, result=future.result())
    if isinstance(error, UserError):
        return _Report(is_done=True, error=error)
    # Not every exception can be sent.
    return _Report(is_done=True, error=RunError(f"rank {rank}: {type(error).__name__}: {error}"))
