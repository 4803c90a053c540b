"""Ends a run that hangs, with one line that names the rank at fault.

Every rank has a thread that writes heartbeats and looks whether the rank still makes progress.
"""

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from dstilts.core.logs import duration, log
from dstilts.core.process_group import ProcessGroup
from dstilts.core.resident import resident_bytes
from dstilts.engine.diagnosis import diagnose, last_words
from dstilts.engine.free_memory import free_host_bytes, memory_kills
from dstilts.engine.heartbeat import Heartbeat, position, read_heartbeats, write_heartbeat

EXIT_CODE = 69  # "hangs": ranks wait for one that does not answer (EX_UNAVAILABLE of sysexits.h)

HANG_FILE = "ranks/hang.json"  # in the run's folder: the event "stopped" of a run that hung

_EVERY = 5.0  # seconds between heartbeats, at most
_SHARE = 0.9  # of the timeout after which we speak: earlier than torch, which names no rank
_SILENT = 0.25  # of the timeout: no heartbeat for so long, and a rank does not answer
_GIB = 1 << 30


class Watchdog:
    """Watches over the thread that opens it, while it is open.

    A rank makes progress by calling `at`. When none has for about `timeout_minutes`, every rank's
    process ends with `EXIT_CODE`, and the first one to notice says why.

    Args:
        run_folder: of the run, seen by all ranks.
    """

    def __init__(self, run_folder: Path, group: ProcessGroup, timeout_minutes: float) -> None:
        self._folder, self._group = run_folder, group
        self._timeout = 60 * timeout_minutes
        self._every = min(_EVERY, self._timeout / 10)
        self._mark = ("starting", 0, time.monotonic())
        self._watched = 0
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def at(self, place: str, step: int) -> None:
        """Says where the rank is: progress, even if it was there before. Costs next to nothing."""
        # One assignment, so that the other thread never sees half of it. The clock is read without
        # a system call.
        self._mark = (place, step, time.monotonic())

    def __enter__(self) -> Self:
        if self._group.is_main:
            (self._folder / HANG_FILE).unlink(missing_ok=True)
        self._watched = threading.get_ident()
        self.at(self._mark[0], self._mark[1])
        self._closed.clear()
        self._beat()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        # The last heartbeat stays: it tells the other ranks why their connections break.
        self._beat(last_words(error) if isinstance(error, Exception) else None)

    def _watch(self) -> None:
        """Runs in a thread of its own."""
        seen, idle, before = self._mark, 0.0, time.monotonic()
        while not self._closed.wait(self._every):
            now = time.monotonic()
            if self._mark is not seen:
                seen, idle = self._mark, 0.0
            # Counted in heartbeats: a process that was stopped by hand and goes on did not hang.
            idle, before = idle + min(now - before, 2 * self._every), now
            self._beat()
            if idle >= _SHARE * self._timeout - self._every:
                self._end(idle)

    def _beat(self, error: str | None = None) -> None:
        place, step, since = self._mark
        now, ago = time.time(), time.monotonic() - since
        collective, code = position(self._watched)
        resident, free = resident_bytes(), free_host_bytes()
        beat = Heartbeat(
            rank=self._group.rank,
            host=socket.gethostname(),
            pid=os.getpid(),
            every=self._every,
            time=round(now, 3),
            step=step,
            place=place,
            since=round(now - ago, 3),
            collective=collective,
            code=code,
            memory_gib=None if resident is None else round(resident / _GIB, 3),
            free_gib=None if free is None else round(free / _GIB, 3),
            memory_kills=memory_kills(),
            error=error,
        )
        try:
            write_heartbeat(self._folder, beat)
        except OSError:
            # A full disk must not end a run that could go on; the other ranks see the silence.
            return

    def _end(self, idle: float) -> None:
        """Says which rank hangs, unless another rank has said it, and ends the process."""
        beats = read_heartbeats(self._folder, self._group.world_size)
        silent_after = max(3 * self._every, _SILENT * self._timeout)
        reason = diagnose(beats, time.time(), silent_after)
        if self._is_first(reason):
            log(f"dstilts failed: no progress for {duration(idle)}: {reason}")
        else:
            # A launcher ends all ranks with the first one: it must have spoken by then.
            time.sleep(min(1.0, self._every))
        sys.stdout.flush()
        # The main thread cannot be woken: it waits inside a library.
        os._exit(EXIT_CODE)

    def _is_first(self, reason: str) -> bool:
        event = {
            "time": round(time.time(), 3),
            "event": "stopped",
            "step": self._mark[1],
            "reason": reason,
        }
        try:
            # Exclusive: of all ranks that notice one makes the file, and that one speaks.
            with (self._folder / HANG_FILE).open("x", encoding="utf-8") as stream:
                stream.write(json.dumps(event, ensure_ascii=False) + "\n")
        except FileExistsError:
            return False
        except OSError:
            return True
        return True
