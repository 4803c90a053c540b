"""The local executor: training phases in turn under the deepspeed launcher on this machine."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from dstilts.core.errors import RunError, UserError

# Lines of dstilts itself, as against the launcher's and DeepSpeed's own.
OURS = re.compile(r"^\d\d:\d\d:\d\d ")
MISTAKE = "dstilts: "

# Ranks save at the end of their step when asked to stop; one that does not is killed after this.
STOP_SECONDS = 60

# For training on CPUs: without these glibc gives every large tensor's memory back to the system
# and faults it in again at the next step, which was a sixth of a small step's time.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(8 << 30)}


class LaunchError(RunError):
    """A launch ended before all its phases were published."""


def cores_at_hand() -> int:
    """The processor cores this process may use (a container's limit counts, not the machine's)."""
    return len(os.sched_getaffinity(0))


def ranks_at_hand() -> int:
    """One rank a GPU; without a GPU two, or one on a single core: more only divide the cores."""
    import torch

    return torch.cuda.device_count() or min(2, cores_at_hand())


def train_locally(phases: Sequence[Path], log_file: Path, *, ranks: int, lock: int) -> None:
    """Trains phase files one after another in one launch of `ranks` processes.

    Our log lines are passed on; everything is kept in `log_file`. An interrupt or SIGTERM goes to
    the ranks, which save before they end.

    Args:
        lock: the descriptor of the driver's lock, inherited by the launcher.

    Raises:
        UserError: the ranks ended over a mistake of the user.
        LaunchError: they ended with another error.
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    command = [*_launcher(ranks), "train", *map(str, phases)]
    launch = subprocess.Popen(
        command,
        env=_environment(ranks),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # its own process group: one signal reaches launcher and ranks
        pass_fds=(lock,),
    )
    with _signals_forwarded(launch) as received:
        try:
            mistake = _follow(launch, log_file, heading=f"$ {' '.join(command)}")
            code = launch.wait()
        finally:
            _stop(launch)
    if received:
        raise KeyboardInterrupt
    if mistake:
        raise UserError(mistake)
    if code != 0:
        raise LaunchError(f"the launch ended with exit code {code}; its log: {log_file}")


def _follow(launch: "subprocess.Popen[str]", log_file: Path, heading: str) -> str | None:
    """Keeps the launch's output, passes our lines on; returns the user's mistake it named."""
    mistake = None
    assert launch.stdout is not None
    with log_file.open("a", encoding="utf-8") as kept:
        kept.write(heading + "\n")
        for line in launch.stdout:
            kept.write(line)
            kept.flush()
            if line.startswith(MISTAKE):
                mistake = line.removeprefix(MISTAKE).strip()
            elif OURS.match(line):
                print(line, end="", file=sys.stderr, flush=True)
    return mistake


def _launcher(ranks: int) -> list[str]:
    if ranks == 1:
        return [sys.executable, "-m", "dstilts"]
    launcher = Path(sys.executable).with_name("deepspeed")
    return [
        sys.executable,
        str(launcher),
        "--num_accelerators",
        str(ranks),
        "--master_port",
        str(free_port()),
        "--module",
        "dstilts",
    ]


def _environment(ranks: int) -> dict[str, str]:
    import torch

    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if not torch.cuda.is_available():
        environment.setdefault("DS_ACCELERATOR", "cpu")
        environment["OMP_NUM_THREADS"] = str(max(1, cores_at_hand() // ranks))
        for name, value in KEEP_MEMORY.items():
            environment.setdefault(name, value)
    return environment


def free_port() -> int:
    """A TCP port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _signals_forwarded(launch: "subprocess.Popen[str]") -> Iterator[list[int]]:
    """Passes the first SIGINT or SIGTERM of this process on to the launch; yields what has come."""
    received: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        if not received:
            received.append(number)
            os.killpg(launch.pid, signal.SIGTERM)

    old = {name: signal.signal(name, pass_on) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for name, handler in old.items():
            signal.signal(name, handler)


def _stop(launch: "subprocess.Popen[str]") -> None:
    """Leaves no process of the launch behind: asked first, killed after `STOP_SECONDS`."""
    for name, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(launch.pid, name)
        deadline = time.monotonic() + seconds
        while _group_lives(launch) and time.monotonic() < deadline:
            time.sleep(0.2)


def _group_lives(launch: "subprocess.Popen[str]") -> bool:
    launch.poll()  # a launcher that ended but was not waited for would count as alive
    try:
        os.killpg(launch.pid, 0)
    except ProcessLookupError:
        return False
    return True
