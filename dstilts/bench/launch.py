"""Starts the processes of one measurement and waits for them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

from dstilts.core.errors import RunError, UserError
from dstilts.sweep.local import free_port

Launcher = Literal["deepspeed", "torchrun"]

_TAIL = 20  # lines of a failed side's log that are shown
# What another launcher may have left.
_FOREIGN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


def launch(
    module: str,
    arguments: list[str],
    *,
    launcher: Launcher,
    ranks: int,
    threads: int,
    log: Path,
    timeout: float,
) -> None:
    """Runs a module on `ranks` processes of `threads` threads each; all output goes to `log`.

    One rank is started without a launcher.

    Raises:
        UserError: the module ended with exit code 2, a mistake of the user.
        RunError: it failed otherwise, or did not end within `timeout` seconds.
    """
    command = _command(module, launcher, ranks) + arguments
    with log.open("w") as stream:
        process = subprocess.Popen(
            command,
            env=environment(ranks, threads),
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that launcher and ranks can be ended together
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise RunError(f"not done after {timeout:.0f} seconds, see {log}") from None
        finally:
            _end(process)
    if code:
        _fail(log, code)


def environment(ranks: int, threads: int) -> dict[str, str]:
    """This process's environment for `ranks` processes of a number of threads each."""
    found = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    found |= {
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }
    if ranks == 1:
        # The Trainer would spread one process over all GPUs.
        first = found.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        found["CUDA_VISIBLE_DEVICES"] = first
    return found


def _command(module: str, launcher: Launcher, ranks: int) -> list[str]:
    if ranks == 1:
        return [sys.executable, "-m", module]
    if launcher == "torchrun":
        options = [f"--nproc_per_node={ranks}", f"--master_port={free_port()}", "--module"]
        return [sys.executable, "-m", "torch.distributed.run", *options, module]
    script = str(Path(sys.executable).with_name("deepspeed"))
    options = [f"--num_accelerators={ranks}", f"--master_port={free_port()}", "--module"]
    return [sys.executable, script, *options, module]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends what is still there of the process's group: nothing after a regular end."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def _fail(log: Path, code: int) -> None:
    lines = log.read_text(errors="replace").splitlines()
    mistakes = [line for line in lines if line.startswith("dstilts: ")]
    if mistakes:
        raise UserError(mistakes[0].removeprefix("dstilts: "))
    tail = "\n".join(lines[-_TAIL:])
    print(tail, file=sys.stderr)
    raise RunError(f"a side ended with exit code {code}; the end of its log is above")
