"""Checks of the machine: what launchers left behind, the network, limits, disks, memory."""

import contextlib
import fcntl
import os
import resource
import shutil
import socket
import tempfile
import time
from pathlib import Path

from dstilts.core.cache import cache_folder
from dstilts.core.disk import free_bytes, size_text
from dstilts.core.errors import UserError
from dstilts.core.files import sync
from dstilts.core.launchers import expand_hosts, read_launch
from dstilts.engine.finding import Finding, Level, Subject, worst
from dstilts.engine.free_memory import free_device_bytes
from dstilts.engine.memory_estimate import ModelSize, state_bytes
from dstilts.engine.phase import EngineConfig

SHARED_MEMORY = Path("/dev/shm")
MOUNTS = Path("/proc/mounts")

_GIB = 1 << 30
_OPEN_FILES = 1024
# File systems of several machines, as /proc/mounts names them.
_NETWORK = ("nfs", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "smb3", "ceph", "9p", "fuse.sshfs")

# The encoders of the checks: default, and the paper's XLM-R large.
DEFAULT_SIZE = ModelSize(117_505_920, 117_505_920, 96_014_208, 12, 384, 1536, 12, 250_037)
LARGE_SIZE = ModelSize(558_840_832, 558_840_832, 256_002_048, 24, 1024, 4096, 16, 250_002)


def launch_variables(subject: Subject) -> Finding:
    """Whether what a launcher set, or left behind, is complete."""
    try:
        launch = read_launch(os.environ)
    except UserError as error:
        return Finding("error", error.problem, error.remedy or "")
    if launch.world_size > 1:
        return Finding("ok", f"rank {launch.rank} of {launch.world_size}")
    left = [name for name in ("MASTER_ADDR", "MASTER_PORT") if os.environ.get(name)]
    return worst(
        [
            Finding("warning", f"{name}={os.environ[name]} is set, and srun would use it", "unset")
            for name in left
        ],
        "none set",
    )


def slurm(subject: Subject) -> Finding:
    """Whether this is a Slurm job, and how its tasks would be started."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        there = "sbatch is here" if shutil.which("sbatch") else "no sbatch here"
        return Finding("ok", f"not in a job; {there}")
    try:
        nodes = expand_hosts(os.environ.get("SLURM_JOB_NODELIST", ""))
    except UserError as error:
        return Finding("error", f"job {job}: SLURM_JOB_NODELIST: {error}")
    tasks = os.environ.get("SLURM_NTASKS", str(len(nodes)))
    text = f"job {job}, {len(nodes)} nodes ({nodes[0]} first), {tasks} tasks"
    if "SLURM_STEP_ID" not in os.environ and tasks != "1":
        return Finding("ok", f"{text}; start them with srun, as launchers/slurm.sbatch does")
    return Finding("ok", text)


def threads(subject: Subject) -> Finding:
    """Whether the ranks of this machine would share its cores."""
    cores, text = len(os.sched_getaffinity(0)), os.environ.get("OMP_NUM_THREADS")
    each = max(1, cores // subject.ranks)
    remedy = f"export OMP_NUM_THREADS={each} (launchers/local.sh and quickstart set it)"
    if text is None:
        if subject.ranks == 1:
            return Finding("ok", f"one rank takes all {cores} cores")
        problem = f"OMP_NUM_THREADS is not set: each of {subject.ranks} ranks takes {cores} threads"
        return Finding("warning", problem, remedy)
    if not text.isdecimal() or int(text) < 1:
        return Finding("error", f"OMP_NUM_THREADS={text!r} is no number of threads", remedy)
    if int(text) * subject.ranks > max(cores, subject.ranks):
        return Finding("warning", f"{subject.ranks} ranks of {text} threads, {cores} cores", remedy)
    return Finding("ok", f"{subject.ranks} ranks of {text} threads, {cores} cores")


def host_name(subject: Subject) -> Finding:
    """Whether ranks can find this host and each other."""
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        return Finding(
            "error",
            f"the host's own name {name} has no address: ranks cannot connect",
            f"add a line '127.0.0.1 {name}' to /etc/hosts, or set GLOO_SOCKET_IFNAME",
        )
    there = {interface for _, interface in socket.if_nameindex()}
    problems = []
    for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        wanted = os.environ.get(variable, "")
        # NCCL takes beginnings of names, "=" before a whole one and "^" before those to leave out.
        names = [] if wanted.startswith("^") else wanted.lstrip("=").split(",")
        if wanted and names and not any(i.startswith(n) for i in there for n in names):
            known = f"set it to one of {', '.join(sorted(there))}"
            problems.append(Finding("error", f"{variable}={wanted} is no interface here", known))
    nodes = os.environ.get("SLURM_JOB_NUM_NODES", "1")
    if address.startswith("127.") and nodes != "1" and not os.environ.get("GLOO_SOCKET_IFNAME"):
        problem = f"{name} is {address}: other nodes cannot reach this one"
        problems.append(Finding("warning", problem, "set GLOO_SOCKET_IFNAME, to eth0 say"))
    local = " (for several nodes set GLOO_SOCKET_IFNAME)" if address.startswith("127.") else ""
    return worst(problems, f"{name} is {address}{local}")


def open_files(subject: Subject) -> Finding:
    """How many files a process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = "unlimited" if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < _OPEN_FILES:
        return Finding("warning", f"only {soft} open files allowed", f"ulimit -n {most}")
    return Finding("ok", f"{soft} allowed, at most {most}")


def shared_memory(subject: Subject) -> Finding:
    """Whether ranks of one machine have room to exchange data; containers often give little."""
    if not SHARED_MEMORY.is_dir():
        return Finding("error", f"no {SHARED_MEMORY}: MPI and NCCL need it", "mount a tmpfs there")
    free = free_bytes(SHARED_MEMORY)
    if free < _GIB // 2:
        remedy = "docker run --shm-size=8g or --ipc=host; remove what ended programs left there"
        return Finding("warning", f"{size_text(free)} free in {SHARED_MEMORY}", remedy)
    return Finding("ok", f"{size_text(free)} free")


def runs_folder(subject: Subject) -> Finding:
    """Whether models and records can be written."""
    return _folder(subject.runs, "choose another folder")


def cache(subject: Subject) -> Finding:
    """Whether encoders and token tables can be kept."""
    return _folder(cache_folder(), "set DSTILTS_CACHE to another folder")


def memory(subject: Subject) -> Finding:
    """Whether weights, gradients and AdamW's state of the encoders fit."""
    import torch

    on_cuda = torch.cuda.is_available()
    free = free_device_bytes(torch.device("cuda", 0) if on_cuda else torch.device("cpu"))
    if free is None:
        return Finding("ok", "unknown: the system does not say")
    ranks = subject.ranks
    share = free if on_cuda else free // ranks
    texts, fits = [], {}
    for name, size in (("default", DEFAULT_SIZE), ("XLM-R large", LARGE_SIZE)):
        needs = {s: state_bytes(size, EngineConfig(zero_stage=s), ranks) for s in (0, 1, 2, 3)}
        fits[name] = [stage for stage, need in needs.items() if need.device <= share]
        least = min(needs.values(), key=lambda need: need.device).device
        stages = f"stages {', '.join(map(str, fits[name]))}" if fits[name] else "no stage"
        texts.append(f"{name} in fp32 fits under {stages} (from {size_text(least)})")
    text = f"{size_text(share)} free for each of {ranks} ranks: {', '.join(texts)}"
    if not fits["default"]:
        return Finding("error", text, "end other programs, or take a machine with more memory")
    return Finding("ok", text)


def _folder(folder: Path, remedy: str) -> Finding:
    folder = folder.absolute()
    existing = folder
    while not existing.exists():
        existing = existing.parent
    try:
        _write_in(existing)
    except OSError as error:
        return Finding("error", f"{folder}: cannot be written: {error.strerror}", remedy)
    stats, problems = os.statvfs(existing), []
    free = stats.f_bavail * stats.f_frsize
    if free < 10 * _GIB:
        level: Level = "error" if free < _GIB else "warning"
        problems.append(Finding(level, f"{folder}: {size_text(free)} free", remedy))
    # Some file systems count no inodes, and say 0 of 0.
    if stats.f_files and stats.f_favail < 10_000:
        level = "error" if stats.f_favail < 100 else "warning"
        problems.append(Finding(level, f"{folder}: room for {stats.f_favail} files", remedy))
    kind = file_system(existing)
    if kind in _NETWORK:
        text = f"{folder}: on {kind}: what one node writes others see seconds later, locks perhaps"
        problems.append(Finding("warning", f"{text} not at all", "prefer a disk of the node"))
    return worst(problems, f"{folder}: {size_text(free)} free, {kind}")


def _write_in(folder: Path) -> None:
    """Writes, syncs, locks and renames, and leaves nothing behind.

    Raises:
        OSError: one of them does not work.
    """
    with contextlib.ExitStack() as stack:
        place = Path(tempfile.mkdtemp(prefix=".dstilts-doctor.", dir=folder))
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        for number in (1, 2):
            file = place / "new"
            with file.open("w") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stream.write(f"{number} {time.time()}")
            sync(file)
            os.replace(file, place / "whole")  # the second time over a file that is there
        sync(place)


def file_system(path: Path) -> str:
    """The kind of file system that a folder is on: ext4, nfs4, ..., or "unknown"."""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return "unknown"
    whole, found = path.resolve(), (0, "unknown")
    for line in lines:
        place, kind = line.split()[1:3]
        # Spaces in names stand there as \040. A later mount hides an earlier one.
        mounted = Path(place.replace("\\040", " "))
        if whole.is_relative_to(mounted) and len(mounted.parts) >= found[0]:
            found = (len(mounted.parts), kind)
    return found[1]
