"""What a launcher tells a process of its place in a job: deepspeed, torchrun, srun, mpiexec."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from dstilts.core.errors import UserError

# Below the ports that systems give out by themselves.
_SLURM_PORTS = range(15000, 30000)
_MPI_PORT = 29500

_REMEDY = (
    "start with deepspeed, torchrun, srun or mpiexec, which set all of RANK, WORLD_SIZE, "
    "LOCAL_RANK, MASTER_ADDR and MASTER_PORT, or unset them to train in one process"
)

# Rank, size, rank on its host and ranks on that host: Open MPI; MPICH and Intel MPI.
_MPI_NAMES = (
    (
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
    ),
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
)


@dataclass(frozen=True)
class Launch:
    """The place of this process in a job, and where the processes of the job meet."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    address: str | None = None  # of rank 0's host
    port: int | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What torch and DeepSpeed look for in the environment; nothing for a single process."""
        if self.world_size == 1:
            return {}
        return {
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.world_size),
            "LOCAL_RANK": str(self.local_rank),
            "MASTER_ADDR": str(self.address),
            "MASTER_PORT": str(self.port),
        }


def read_launch(environment: Mapping[str, str]) -> Launch:
    """The launch that an environment tells of; one process where it tells of none.

    Raises:
        UserError: variables are missing, are no numbers or contradict each other.
    """
    if "RANK" in environment:
        return _named(environment)
    slurm = _slurm(environment)
    # An mpiexec inside a Slurm job starts one process a node by srun, and that one starts the
    # ranks, which see both; an srun with PMI sets both alike, and knows where to meet.
    found = slurm if _is_pmi_of(slurm, environment) else _mpi(environment) or slurm
    claimed = environment.get("WORLD_SIZE", "1" if found is None else str(found.world_size))
    if found is None:
        if claimed != "1":
            raise UserError("WORLD_SIZE is set but RANK is not", remedy=_REMEDY)
        return Launch()
    if claimed != str(found.world_size):
        raise UserError(
            f"WORLD_SIZE={claimed} is set in a launch of {found.world_size} processes",
            remedy="unset WORLD_SIZE",
        )
    if found.address is None:
        raise UserError(
            "mpiexec started ranks on several hosts and MASTER_ADDR is not set",
            remedy="name the host of rank 0: mpiexec -genv MASTER_ADDR HOST (MPICH), "
            "mpirun -x MASTER_ADDR=HOST (Open MPI)",
        )
    return found


def expand_hosts(text: str) -> list[str]:
    """The names in Slurm's short form of a list of hosts: `n[1-3,07],m2` are n1, n2, n3, n07, m2.

    Raises:
        UserError: it is no such list.
    """
    # A name is parts without brackets and parts in them; commas divide names outside brackets.
    name = r"(?:[^\[\],\s]|\[[^\[\]\s]+\])+"
    if not re.fullmatch(rf"{name}(?:,{name})*", text):
        raise UserError(f"{text!r} is no list of hosts")
    hosts = []
    for whole in re.findall(name, text):
        parts = [_choices(part) for part in re.findall(r"\[[^\]]+\]|[^\[]+", whole)]
        hosts += ["".join(chosen) for chosen in product(*parts)]
    return hosts


def _choices(part: str) -> list[str]:
    if not part.startswith("["):
        return [part]
    found = []
    for piece in part[1:-1].split(","):
        first, dash, last = piece.partition("-")
        is_range = first.isdecimal() and (last.isdecimal() or not dash)
        numbers = range(int(first), int(last or first) + 1) if is_range else range(0)
        if not numbers:
            raise UserError(f"{part!r} are no numbers of hosts")
        found += [str(number).zfill(len(first)) for number in numbers]
    return found


def _named(environment: Mapping[str, str]) -> Launch:
    """The launch of deepspeed or torchrun, which leave nothing to be added."""
    alone = environment.get("WORLD_SIZE") == "1"
    others = () if alone else ("LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    for name in ("WORLD_SIZE", *others):
        if not environment.get(name):
            raise UserError(f"RANK is set but {name} is not", remedy=_REMEDY)
    local_rank = _number(environment, "LOCAL_RANK") if "LOCAL_RANK" in environment else 0
    rank, world_size = _place(environment, "RANK", "WORLD_SIZE")
    if alone:
        return Launch(rank, world_size, local_rank)
    port = _number(environment, "MASTER_PORT")
    return Launch(rank, world_size, local_rank, environment["MASTER_ADDR"], port)


def _slurm(environment: Mapping[str, str]) -> Launch | None:
    """The launch of srun; None in a step of one task and in a batch script outside srun."""
    if environment.get("SLURM_STEP_NUM_TASKS", "1") == "1":
        return None
    job, step = (_number(environment, name) for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    if environment.get("SLURM_STEP_NUM_NODES") == "1":
        address = "127.0.0.1"
    else:
        nodes = environment.get("SLURM_STEP_NODELIST") or environment.get("SLURM_JOB_NODELIST", "")
        address = expand_hosts(nodes)[0]
    return Launch(
        *_place(environment, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
        _device(environment, "SLURM_LOCALID"),
        environment.get("MASTER_ADDR") or address,
        # Jobs that share a node, and steps of one job, meet at different ports.
        _port(environment, _SLURM_PORTS[(17 * job + step) % len(_SLURM_PORTS)]),
    )


def _mpi(environment: Mapping[str, str]) -> Launch | None:
    """The launch of mpiexec; None where there is none or it started one process."""
    for rank, size, local_rank, local_size in _MPI_NAMES:
        if environment.get(size, "1") == "1":
            continue
        address = environment.get("MASTER_ADDR")
        if environment.get(local_size) == environment[size]:
            address = address or "127.0.0.1"
        return Launch(
            *_place(environment, rank, size),
            _device(environment, local_rank),
            address,
            _port(environment, _MPI_PORT),
        )
    return None


def _is_pmi_of(slurm: Launch | None, environment: Mapping[str, str]) -> bool:
    """Whether the PMI variables were set by the srun of a launch."""
    place = environment.get("PMI_RANK"), environment.get("PMI_SIZE")
    return slurm is not None and place == (str(slurm.rank), str(slurm.world_size))


def _place(environment: Mapping[str, str], rank: str, size: str) -> tuple[int, int]:
    numbers = _number(environment, rank), _number(environment, size)
    if numbers[0] >= numbers[1]:
        raise UserError(f"{rank}={numbers[0]} must be below {size}={numbers[1]}", remedy=_REMEDY)
    return numbers


def _device(environment: Mapping[str, str], local_rank: str) -> int:
    """The number of a process's device, which is its rank on its host."""
    number = _number(environment, local_rank)
    # Launchers can show each process a device of its own (--gpus-per-task): it is number 0 then.
    visible = [name for name in environment.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return 0 if len(visible) == 1 else number


def _port(environment: Mapping[str, str], default: int) -> int:
    return _number(environment, "MASTER_PORT") if environment.get("MASTER_PORT") else default


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    if not text.isdecimal():
        problem = f"{name}={text!r} is no number" if name in environment else f"{name} is not set"
        raise UserError(problem, remedy=_REMEDY)
    return int(text)
