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


def launch(phases: Sequence[PhaseConfig], folder: Path, *, ranks: int = 2) -> subprocess.Popen[str]:
    """Starts `ranks` ranks of `worker.py` on the phases; output goes to `folder`/log.txt.

    The launch has a process group of its own.
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
        f"--master_port={_free_port()}",
        "--module",
        "tests.distributed.worker",
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
