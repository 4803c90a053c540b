"""The local executor: slots of this machine's cores or GPUs, a launch of a worker in each."""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dstilts.core.errors import UserError

# Lines of dstilts itself, as against the launcher's and DeepSpeed's own.
OURS = re.compile(r"^\d\d:\d\d:\d\d ")

# Ranks save at the end of their step when asked to stop; one that does not is killed after this.
STOP_SECONDS = 60

# For training on CPUs: without these glibc gives every large tensor's memory back to the system
# and faults it in again at the next step, which was a sixth of a small step's time.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(8 << 30)}

_PR_SET_PDEATHSIG = 1  # of Linux's <sys/prctl.h>


@dataclass(frozen=True)
class Slot:
    """A share of the machine that one launch has to itself.

    Attributes:
        ranks: processes of the launch.
        cores: that it runs on; empty: any.
        gpus: that it sees; empty on a machine without.
    """

    number: int
    ranks: int
    cores: tuple[int, ...] = ()
    gpus: tuple[int, ...] = ()


def cores_at_hand() -> int:
    """The processor cores this process may use (a container's limit counts, not the machine's)."""
    return len(os.sched_getaffinity(0))


def ranks_at_hand() -> int:
    """One rank a GPU; without a GPU two, or one on a single core: more only divide the cores."""
    import torch

    return torch.cuda.device_count() or min(2, cores_at_hand())


def slots_at_hand(slots: int | None = None, ranks: int | None = None) -> tuple[Slot, ...]:
    """The machine in equal parts: without numbers a GPU a slot, or without GPUs a core.

    Args:
        slots: nodes that run at a time.
        ranks: processes that train a phase together.

    Raises:
        UserError: more are asked for than there are GPUs.
    """
    import torch

    gpus, cores = torch.cuda.device_count(), sorted(os.sched_getaffinity(0))
    units = gpus or len(cores)
    ranks = ranks or max(1, units // slots if slots else 1)
    slots = slots or max(1, units // ranks)
    if gpus and slots * ranks > gpus:
        raise UserError(
            f"{slots} slots of {ranks} ranks need {slots * ranks} GPUs; there are {gpus}",
            remedy="use fewer slots or ranks",
        )
    share = max(1, len(cores) // slots)
    return tuple(
        Slot(
            number=number,
            ranks=ranks,
            cores=tuple(cores[number * share : (number + 1) * share]) if slots > 1 else (),
            gpus=tuple(range(number * ranks, (number + 1) * ranks)) if gpus else (),
        )
        for number in range(slots)
    )


class Launch:
    """A command run in a slot, its output kept in a file and read line by line.

    Args:
        heard: called with each line of dstilts itself, from another thread.
    """

    def __init__(
        self, slot: Slot, words: Sequence[str], log_file: Path, heard: Callable[[str], None]
    ) -> None:
        self.slot = slot
        self.mistake: str | None = None  # of the user, as the launch said it
        self._log_file = log_file
        self._heard = heard
        log_file.parent.mkdir(parents=True, exist_ok=True)
        command = [*_launcher(slot.ranks), *words]
        self._process = subprocess.Popen(
            command,
            env=_environment(slot),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # its own process group: one signal reaches launcher and ranks
            preexec_fn=lambda: _in_child(slot),
        )
        self._reader = threading.Thread(target=self._read, args=(" ".join(command),), daemon=True)
        self._reader.start()

    def code(self) -> int | None:
        """The exit code; None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._reader.join()
        return code

    def tell(self, number: int) -> None:
        """Sends a signal to launcher and ranks."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def stop(self) -> None:
        """Leaves no process behind: asked first, killed after `STOP_SECONDS`."""
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
            self.tell(number)
            deadline = time.monotonic() + seconds
            while _group_lives(self._process.pid) and time.monotonic() < deadline:
                self._process.poll()
                time.sleep(0.05)

    def _read(self, heading: str) -> None:
        assert self._process.stdout is not None
        with self._log_file.open("a", encoding="utf-8") as kept:
            kept.write(f"$ {heading}\n")
            for line in self._process.stdout:
                kept.write(line)
                kept.flush()
                if line.startswith("dstilts: "):
                    self.mistake = line.removeprefix("dstilts: ").strip()
                elif OURS.match(line):
                    self._heard(line)


def _launcher(ranks: int) -> list[str]:
    if ranks == 1:
        return [sys.executable, "-m", "dstilts"]
    launcher = Path(sys.executable).with_name("deepspeed")
    port = ["--master_port", str(free_port())]
    return [
        *(sys.executable, str(launcher), "--num_accelerators", str(ranks)),
        *(*port, "--module", "dstilts"),
    ]


def _environment(slot: Slot) -> dict[str, str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if slot.gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, slot.gpus))
        return environment
    environment.setdefault("DS_ACCELERATOR", "cpu")
    cores = len(slot.cores) or cores_at_hand()
    environment["OMP_NUM_THREADS"] = str(max(1, cores // slot.ranks))
    for name, value in KEEP_MEMORY.items():
        environment.setdefault(name, value)
    return environment


def _in_child(slot: Slot) -> None:
    """Before the command starts: it keeps to its cores, and is told when its driver dies."""
    if slot.cores:
        os.sched_setaffinity(0, slot.cores)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """A TCP port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
