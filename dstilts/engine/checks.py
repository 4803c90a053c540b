"""All checks of the environment, one row each."""

import contextlib
import sys
from collections.abc import Iterator

from dstilts.engine import checks_host as host
from dstilts.engine import checks_software as software
from dstilts.engine.finding import Check, Finding, Subject

CHECKS: dict[str, Check] = {
    "python": software.python,
    "packages": software.packages,
    "devices": software.devices,
    "deepspeed": software.deepspeed,
    "launcher": host.launch_variables,
    "slurm": host.slurm,
    "threads": host.threads,
    "host name": host.host_name,
    "one rank": software.one_rank,
    "two ranks": software.two_ranks,
    "mpi": software.mpi,
    "compilers": software.compilers,
    "memory": host.memory,
    "shared memory": host.shared_memory,
    "open files": host.open_files,
    "runs": host.runs_folder,
    "cache": host.cache,
    "encoder": software.default_encoder,
    "data": software.data,
}


def run_checks(subject: Subject) -> Iterator[tuple[str, Finding]]:
    """Name and finding of each check, one after another; what a library prints goes to stderr."""
    for name, check in CHECKS.items():
        with contextlib.redirect_stdout(sys.stderr):
            try:
                finding = check(subject)
            except Exception as error:
                # A check looks at broken installations: none may keep the others from being made.
                finding = Finding("error", f"{type(error).__name__}: {error}")
        yield name, finding
