"""What a process reads of its launcher: deepspeed, torchrun, srun, mpiexec, or none."""

import os

import pytest

from dstilts.core.errors import UserError
from dstilts.core.launchers import Launch, expand_hosts, read_launch
from dstilts.core.process_group import ProcessGroup, launched_ranks

TORCH = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "n1",
    "MASTER_PORT": "29501",
}
SRUN = {
    "SLURM_JOB_ID": "1000",
    "SLURM_STEP_ID": "2",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_STEP_NODELIST": "node[08-09]",
    "SLURM_JOB_NODELIST": "node[07-09]",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
}
MPICH = {"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2"}
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "5",
    "OMPI_COMM_WORLD_SIZE": "8",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
}
BATCH_SCRIPT = {
    "SLURM_JOB_ID": "1000",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_JOB_NODELIST": "node[07-08]",
}
PORT = 15000 + (17 * 1000 + 2) % 15000


@pytest.mark.parametrize(
    ("environment", "launch"),
    [
        ({}, Launch()),
        ({"LOCAL_RANK": "0", "WORLD_SIZE": "1"}, Launch()),
        ({"RANK": "0", "WORLD_SIZE": "1"}, Launch()),
        (TORCH, Launch(3, 4, 1, "n1", 29501)),
        (SRUN, Launch(3, 4, 1, "node08", PORT)),
        # What the user sets goes first, and is enough.
        ({**SRUN, "MASTER_ADDR": "10.0.0.1"}, Launch(3, 4, 1, "10.0.0.1", PORT)),
        ({**SRUN, "MASTER_PORT": "4000", "WORLD_SIZE": "4"}, Launch(3, 4, 1, "node08", 4000)),
        ({**SRUN, "SLURM_STEP_NUM_NODES": "1"}, Launch(3, 4, 1, "127.0.0.1", PORT)),
        # One task a device: each sees its own alone.
        ({**SRUN, "CUDA_VISIBLE_DEVICES": "1"}, Launch(3, 4, 0, "node08", PORT)),
        ({**SRUN, "CUDA_VISIBLE_DEVICES": "0,1"}, Launch(3, 4, 1, "node08", PORT)),
        # Inside a job, but not started by srun, or as its only task.
        (BATCH_SCRIPT, Launch()),
        ({**SRUN, "SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "4"}, Launch()),
        # torchrun or deepspeed below srun: one task a node.
        ({**SRUN, **TORCH, "SLURM_PROCID": "0"}, Launch(3, 4, 1, "n1", 29501)),
        (MPICH, Launch(1, 2, 1, "127.0.0.1", 29500)),
        ({"PMI_RANK": "0", "PMI_SIZE": "1"}, Launch()),
        ({**OPEN_MPI, "MASTER_ADDR": "a"}, Launch(5, 8, 1, "a", 29500)),
        # mpiexec in a Slurm job starts its own helper by srun, one a node.
        (
            {**SRUN, **OPEN_MPI, "MASTER_ADDR": "a", "SLURM_PROCID": "0"},
            Launch(5, 8, 1, "a", 29500),
        ),
        # srun --mpi=pmi2 sets PMI variables for the same ranks.
        ({**SRUN, "PMI_RANK": "3", "PMI_SIZE": "4"}, Launch(3, 4, 1, "node08", PORT)),
    ],
)
def test_launches(environment: dict[str, str], launch: Launch) -> None:
    assert read_launch(environment) == launch


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"RANK": "0"}, "RANK is set but WORLD_SIZE is not"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE is set but RANK is not"),
        ({"RANK": "0", "WORLD_SIZE": "2"}, "RANK is set but LOCAL_RANK is not"),
        ({**TORCH, "MASTER_ADDR": ""}, "RANK is set but MASTER_ADDR is not"),
        ({**TORCH, "MASTER_PORT": "http"}, "MASTER_PORT='http' is no number"),
        ({**TORCH, "RANK": "4"}, "RANK=4 must be below WORLD_SIZE=4"),
        ({**TORCH, "RANK": "-1"}, "RANK='-1' is no number"),
        ({**TORCH, "WORLD_SIZE": "1"}, "RANK=3 must be below WORLD_SIZE=1"),
        ({**SRUN, "WORLD_SIZE": "2"}, "WORLD_SIZE=2 is set in a launch of 4 processes"),
        ({**SRUN, "SLURM_STEP_NODELIST": "n[1-"}, "'n[1-' is no list of hosts"),
        (OPEN_MPI, "MASTER_ADDR is not set; name the host of rank 0: mpiexec -genv"),
    ],
)
def test_contradictions(environment: dict[str, str], problem: str) -> None:
    with pytest.raises(UserError) as caught:
        read_launch(environment)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("n1", "n1"),
        ("n1,m-2.cluster", "n1 m-2.cluster"),
        ("n[1-3,7],m2", "n1 n2 n3 n7 m2"),
        ("gpu[008-011]", "gpu008 gpu009 gpu010 gpu011"),
        ("n[9-11]", "n9 n10 n11"),
        ("rack[0-1]node[1,3]x,a", "rack0node1x rack0node3x rack1node1x rack1node3x a"),
    ],
)
def test_host_lists(text: str, hosts: str) -> None:
    assert expand_hosts(text) == hosts.split()


@pytest.mark.parametrize("text", ["", "n[1-", "n[]", "n[a]", "n[3-1]", "n1,,n2", "n[1-2-3]", "n 1"])
def test_broken_host_lists(text: str) -> None:
    with pytest.raises(UserError):
        expand_hosts(text)


def test_the_environment_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    # A copy: what is added to it goes with it.
    monkeypatch.setattr(os, "environ", {**SRUN, "PATH": "/bin"})
    assert launched_ranks() == ProcessGroup(3, 4, 1)
    assert os.environ["MASTER_ADDR"] == "node08"
    assert os.environ["MASTER_PORT"] == str(PORT)
    assert (os.environ["RANK"], os.environ["WORLD_SIZE"], os.environ["LOCAL_RANK"]) == tuple("341")
    # The next phase of the same process asks again.
    assert launched_ranks() == ProcessGroup(3, 4, 1)


def test_one_process_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(BATCH_SCRIPT))
    assert launched_ranks() == ProcessGroup()
    assert os.environ == BATCH_SCRIPT
