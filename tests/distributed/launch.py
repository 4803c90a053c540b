"""Starts real ranks with the deepspeed launcher."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dstilts.core.config import write_config
from dstilts.engine.phase import PhaseConfig

REPOSITORY = Path(__file__).resolve().parents[2]


def launch(
    phases: Sequence[PhaseConfig], folder: Path, *words: str, ranks: int = 2
) -> subprocess.Popen[str]:
    """Starts `ranks` ranks of `worker.py` on the phases; output goes to `folder`/log.txt.

    The launch has a process group of its own. `words` go to the worker.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for phase in phases:
        files.append(folder / f"{phase.name}.toml")
        write_config(files[-1], phase)
    command = [
        sys.executable,
        str(Path(sys.executable).with_name("deepspeed")),
        f"--num_accelerators={ranks}",
        f"--master_port={free_port()}",
        "--module",
        "tests.distributed.worker",
        *words,
        *map(str, files),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"}
    # Kept open by the child alone; append, so that a restart's output follows.
    with (folder / "log.txt").open("a") as log:
        return subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rank_processes(launched: int) -> list[int]:
    """The ranks of a launch: the processes of its group that run the worker themselves."""
    ranks = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                same_group = os.getpgid(int(entry.name)) == launched
            except (OSError, ProcessLookupError):
                continue
            if same_group and any(word.startswith(b"--local_rank=") for word in words):
                ranks.append(int(entry.name))
    return sorted(ranks)
