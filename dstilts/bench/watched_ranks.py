"""Ranks of a training run, watched from outside: when they take steps, and their memory."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from dstilts.bench.launch import environment
from dstilts.core.config import write_config
from dstilts.core.errors import RunError
from dstilts.core.logs import log
from dstilts.core.resident import Size, resident_bytes
from dstilts.engine.phase import PhaseConfig
from dstilts.sweep.local import free_port

_POLL = 0.02  # seconds
_GIB = 1 << 30


class WatchedRanks:
    """The processes of one training run, watched from outside."""

    def __init__(self, phase: PhaseConfig, ranks: int, cache: Path) -> None:
        self._phase = phase
        self._log = phase.output.with_suffix(".log")
        file = phase.output.with_suffix(".toml")
        write_config(file, phase)
        variables = {
            **environment(ranks, threads=max(1, len(os.sched_getaffinity(0)) // ranks)),
            # The other ranks wait while one tokenises.
            "TOKENIZERS_PARALLELISM": "true",
            "DSTILTS_CACHE": str(cache),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(free_port()),
            "WORLD_SIZE": str(ranks),
        }
        self._begin = time.time()
        with self._log.open("w") as output:
            self._processes = [
                subprocess.Popen(
                    [sys.executable, "-m", "dstilts", "train", str(file)],
                    env={**variables, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
                for rank in range(ranks)
            ]

    def watch(self, marks: Sequence[int]) -> dict[str, Any]:
        """The figures of the whole run.

        Args:
            marks: numbers of steps after which the memory is looked at.

        Raises:
            RunError: a rank failed.
        """
        events = _Events(self._phase.run_folder / "events.jsonl")
        figures: dict[str, Any] = {"seconds_to_first_step": None, "memory_gib_after_step": {}}
        peaks = [0.0] * len(self._processes)
        try:
            while any(process.poll() is None for process in self._processes):
                self._fail_if_one_has()
                seen = [_memory(process.pid) for process in self._processes]
                peaks = [max(peak, now["VmHWM"]) for peak, now in zip(peaks, seen, strict=True)]
                step = events.newest_step()
                if step and figures["seconds_to_first_step"] is None:
                    figures |= self._first_step(events.first_time)
                for mark in map(str, marks):
                    if step >= int(mark) and mark not in figures["memory_gib_after_step"]:
                        table = {n: [now[n] for now in seen] for n in ("VmRSS", "RssAnon")}
                        figures["memory_gib_after_step"][mark] = table
                time.sleep(_POLL)
            self._fail_if_one_has()
        finally:
            for process in self._processes:
                process.kill()
                process.wait()
        return {**figures, "seconds": round(time.time() - self._begin, 1), "peak_gib": peaks}

    def _first_step(self, when: float) -> dict[str, Any]:
        seconds = round(when - self._begin, 1)
        log(f"first step after {seconds:.1f} s")
        # Others may be at work on the machine: what the ranks themselves have computed till then.
        return {
            "seconds_to_first_step": seconds,
            "cpu_seconds_to_first_step": [_cpu_seconds(p.pid) for p in self._processes],
        }

    def _fail_if_one_has(self) -> None:
        for rank, process in enumerate(self._processes):
            if process.poll():
                tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])
                print(tail, file=sys.stderr)
                raise RunError(f"rank {rank} ended with exit code {process.returncode}")


_SIZES: tuple[Size, ...] = get_args(Size)


def _memory(pid: int) -> dict[str, float]:
    """The memory of a process in GiB; zeros where it has ended."""
    return {size: round((resident_bytes(size, pid) or 0) / _GIB, 3) for size in _SIZES}


def _cpu_seconds(pid: int) -> float:
    """The time that all threads of a process have computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return round((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 1)


class _Events:
    """The steps that a run has logged; its file grows while it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._step = 0
        self.first_time = 0.0  # of the first step

    def newest_step(self) -> int:
        """How many steps the run has logged."""
        if not self._path.exists():
            return 0
        with self._path.open("rb") as file:
            file.seek(self._position)
            whole = file.read().rpartition(b"\n")[0]
        self._position += len(whole) + bool(whole)
        for line in whole.splitlines():
            event = json.loads(line)
            if event["event"] == "train":
                self._step = event["step"] + 1
                self.first_time = self.first_time or event["time"]
        return self._step
