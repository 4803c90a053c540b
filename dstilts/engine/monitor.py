"""The files in which a run says what it does: events as JSONL, and TensorBoard's."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dstilts.core.errors import RunError
from dstilts.core.logs import EventLog, end_progress
from dstilts.core.process_group import ProcessGroup

# Figures of an event: numbers, or further figures by name or by number (of a rank, say).
Figures = Mapping[str, Any]

_EVENT_FILE = "events.out.tfevents."
_NOT_DRAWN = frozenset({"num_steps"})  # it never changes


class TrainingError(RunError):
    """Training cannot go on: the loss is no number any more."""


class Monitor:
    """The files of a run, written by rank 0; on other ranks it does nothing.

    Args:
        folder: gets `events.jsonl` and `tensorboard/`.
        first_step: scalars from here on that an interrupted run has written are taken back.
    """

    def __init__(self, folder: Path, group: ProcessGroup, first_step: int) -> None:
        self._events: EventLog | None = None
        if group.is_main:
            from torch.utils.tensorboard import SummaryWriter

            self._events = EventLog(folder / "events.jsonl")
            _make_way(folder / "tensorboard")
            self._board = SummaryWriter(folder / "tensorboard", purge_step=first_step)

    def event(self, name: str, **values: object) -> None:
        """Writes one event."""
        if self._events:
            self._events.write(name, **values)

    def scalars(self, step: int, values: Figures, event: str = "train") -> None:
        """Writes the figures of a step as one event, and to TensorBoard as `<event>/<figure>`.

        Figures by name or number become `<event>/<figure>/<name>`; TensorBoard's file is brought up
        to date at once: a run that is killed has drawn all that its events say.
        """
        if self._events:
            for name, value in _flat(values):
                self._board.add_scalar(f"{event}/{name}", value, step)
            self._board.flush()
            self._events.write(event, step=step, **values)

    def close(self) -> None:
        """Closes the files; a progress line on the terminal stays."""
        if self._events:
            end_progress()
            self._events.close()
            self._board.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _make_way(folder: Path) -> None:
    """Lets the next event file be the last: TensorBoard reads them in the order of their names.

    The names begin with the second in which a file was made. What was made in this very second, or
    by a host whose clock is ahead, gets a small number instead.
    """
    files = sorted(folder.glob(f"{_EVENT_FILE}*"))
    if files and files[-1].name > f"{_EVENT_FILE}{int(time.time()):010d}":
        for number, file in enumerate(files):
            rest = file.name[len(_EVENT_FILE) + 10 :]
            file.rename(folder / f"{_EVENT_FILE}{number:010d}{rest}")


def _flat(values: Figures) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}/{below}", number) for below, number in _flat(value))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from _flat({f"{name}/{index}": number for index, number in enumerate(value)})
        elif isinstance(value, int | float) and name not in _NOT_DRAWN:
            yield name, value
