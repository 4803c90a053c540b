"""A real Slurm cluster of two nodes on this machine, with daemons and files of its own."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "srun")
NODES = ("n1", "n2")
_SECONDS = 60  # in which the nodes must be up


@dataclass(frozen=True)
class SlurmCluster:
    """A running cluster.

    Attributes:
        environment: with which Slurm's commands and the jobs find the cluster.
    """

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, timeout: float = 60) -> str:
        """What a Slurm command prints.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        done = subprocess.run(
            words,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=timeout,
        )
        return done.stdout.strip()

    def state(self, job: str) -> str:
        """RUNNING, COMPLETED, FAILED, ... of a job that ended not more than minutes ago."""
        shown = self.run("scontrol", "show", "job", job, "--oneliner")
        return shown.partition("JobState=")[2].split()[0]

    def wait_for(self, job: str, states: Sequence[str], timeout: float = 120) -> None:
        """Waits until a job is in one of `states`.

        Raises:
            TimeoutError: it is not.
        """
        _wait(lambda: self.state(job) in states, f"job {job} is {self.state(job)}", timeout)


def missing_programs() -> list[str]:
    """Of those that the cluster needs."""
    return [name for name in PROGRAMS if _program(name) is None]


@contextlib.contextmanager
def slurm_cluster(folder: Path) -> Iterator[SlurmCluster]:
    """Starts a cluster with all its files in `folder`, and ends it with all its jobs.

    The names n1 and n2 are known to Slurm alone: jobs get MASTER_ADDR.

    Raises:
        TimeoutError: it does not come up.
    """
    for name in ("state", "spool", "log"):
        (folder / name).mkdir(parents=True)
    config = folder / "slurm.conf"
    config.write_text(_configuration(folder))
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_"))}
    environment = {**outside, "SLURM_CONF": str(config), "MASTER_ADDR": "127.0.0.1"}
    cluster = SlurmCluster(folder, environment)
    with contextlib.ExitStack() as stack:
        for name, *options in _daemons(folder):
            stack.enter_context(_daemon(folder, environment, name, *options))
            if name == "munged":
                _wait((folder / "munge.socket").exists, "munged does not answer")
        stack.callback(_end_jobs, cluster)
        _wait(lambda: _idle(cluster), f"the nodes are not up; logs: {folder / 'log'}")
        yield cluster


def _configuration(folder: Path) -> str:
    host, user = socket.gethostname(), getpass.getuser()
    control, *ports = _free_ports(1 + len(NODES))
    # A requeued job starts when its old credential has expired, after two minutes by default.
    settings = {
        "ClusterName": "test",
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": control,
        "SlurmUser": user,
        "SlurmdUser": user,
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={folder}/munge.socket,cred_expire=5",
        "CredType": "cred/munge",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool" / "%n",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "slurmd-%n.pid",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "JobAcctGatherType": "jobacct_gather/none",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_CPU",
        "SlurmdParameters": "config_overrides",
        "SchedulerParameters": "sched_interval=2,batch_sched_delay=0",
        "ReturnToService": 2,
        "KillWait": 10,
        "MpiDefault": "none",
    }
    nodes = [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 State=UNKNOWN"
        for node, port in zip(NODES, ports, strict=True)
    ]
    partition = f"PartitionName=main Nodes={','.join(NODES)} Default=YES MaxTime=INFINITE State=UP"
    lines = [f"{name}={value}" for name, value in settings.items()]
    return "\n".join([*lines, *nodes, partition, ""])


def _daemons(folder: Path) -> Iterator[tuple[str, ...]]:
    """Name and options of each, all to be run in the foreground."""
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    files = [
        f"--{name}-file={folder}/munge.{name.removesuffix('-file')}"
        for name in ("key", "pid", "log", "seed")
    ]
    yield ("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *files)
    yield ("slurmctld", "-D", "-c")
    for node in NODES:
        yield ("slurmd", "-D", "-c", "-N", node)


@contextlib.contextmanager
def _daemon(folder: Path, environment: dict[str, str], name: str, *options: str) -> Iterator[None]:
    with (folder / "log" / f"{name}.log").open("a") as log:
        daemon = subprocess.Popen(
            [_program(name) or name, *options],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        daemon.terminate()
        try:
            daemon.wait(timeout=20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _end_jobs(cluster: SlurmCluster) -> None:
    """Before the daemons end, for the steps would outlive them."""
    with contextlib.suppress(subprocess.SubprocessError, TimeoutError):
        cluster.run("scancel", "--user", getpass.getuser())
        _wait(lambda: not cluster.run("squeue", "--noheader"), "jobs do not end", timeout=40)


def _idle(cluster: SlurmCluster) -> bool:
    with contextlib.suppress(subprocess.CalledProcessError):
        shown = cluster.run("sinfo", "--noheader", "--Node", "--format=%T")
        return shown.split() == ["idle"] * len(NODES)
    return False


def _wait(condition: object, problem: str, timeout: float = _SECONDS) -> None:
    deadline = time.monotonic() + timeout
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise TimeoutError(problem)
        time.sleep(0.2)


def _program(name: str) -> str | None:
    # Daemons stand in folders that are not on every user's path.
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
