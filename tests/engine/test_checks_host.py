"""The checks of the machine, with what each is to find made to happen."""

import os
import resource
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from dstilts.engine import checks_host
from dstilts.engine.finding import Subject
from tests.engine.findings import expect
from tests.engine.findings import plain_environment as plain_environment

GIB = 1 << 30


def test_left_over_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    expect(checks_host.launch_variables(Subject()), "ok")
    monkeypatch.setenv("MASTER_ADDR", "old")
    found = checks_host.launch_variables(Subject())
    expect(found, "warning", "MASTER_ADDR=old is set, and srun would use it", "unset")
    monkeypatch.delenv("MASTER_ADDR")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    found = checks_host.launch_variables(Subject())
    expect(found, "error", "RANK is set but MASTER_ADDR is not", "unset them")


def test_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    expect(checks_host.slurm(Subject()), "ok", "not in a job")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.setenv("SLURM_JOB_NODELIST", "n[3-4]")
    expect(checks_host.slurm(Subject()), "ok", "job 7, 2 nodes (n3 first), 4 tasks", "with srun")
    monkeypatch.setenv("SLURM_JOB_NODELIST", "n[3-")
    expect(checks_host.slurm(Subject()), "error", "SLURM_JOB_NODELIST", "n[3-")


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    expect(checks_host.threads(Subject(ranks=1)), "ok", "all 8 cores")
    expect(checks_host.threads(Subject(ranks=4)), "warning", "not set", "OMP_NUM_THREADS=2")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    expect(checks_host.threads(Subject(ranks=4)), "ok")
    expect(checks_host.threads(Subject(ranks=8)), "warning", "8 ranks of 2 threads", "=1")
    monkeypatch.setenv("OMP_NUM_THREADS", "all")
    expect(checks_host.threads(Subject()), "error", "OMP_NUM_THREADS='all'")


def test_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "here")
    monkeypatch.setattr(socket, "gethostbyname", lambda name: "127.0.1.1")
    expect(checks_host.host_name(Subject()), "ok", "here is 127.0.1.1", "for several nodes set")
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "2")
    expect(checks_host.host_name(Subject()), "warning", "other nodes cannot reach this one")
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    expect(checks_host.host_name(Subject()), "ok")
    monkeypatch.setenv("NCCL_SOCKET_IFNAME", "^docker,lo")
    expect(checks_host.host_name(Subject()), "ok")
    monkeypatch.setenv("NCCL_SOCKET_IFNAME", "ib7")
    expect(checks_host.host_name(Subject()), "error", "NCCL_SOCKET_IFNAME=ib7", "set it to one of")

    def unknown(name: str) -> str:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "gethostbyname", unknown)
    expect(checks_host.host_name(Subject()), "error", "here has no address", "/etc/hosts")


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_host, "free_device_bytes", lambda device: 24 * GIB)
    found = checks_host.memory(Subject(ranks=4))
    expect(found, "ok", "6.0 GiB free for each of 4 ranks")
    expect(found, "ok", "default in fp32 fits under stages 0, 1, 2, 3", "large in fp32 fits under")
    monkeypatch.setattr(checks_host, "free_device_bytes", lambda device: GIB)
    found = checks_host.memory(Subject(ranks=4))
    expect(found, "error", "default in fp32 fits under no stage", "more memory")
    monkeypatch.setattr(checks_host, "free_device_bytes", lambda device: None)
    expect(checks_host.memory(Subject()), "ok", "unknown")


def test_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 4096))
    expect(checks_host.open_files(Subject()), "warning", "only 256 open files", "ulimit -n 4096")


def test_shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_host, "free_bytes", lambda path: 64 << 20)
    expect(checks_host.shared_memory(Subject()), "warning", "64.0 MiB free", "--shm-size")
    monkeypatch.setattr(checks_host, "SHARED_MEMORY", tmp_path / "none")
    expect(checks_host.shared_memory(Subject()), "error", "mount a tmpfs")


def test_folders_that_can_be_written(tmp_path: Path) -> None:
    found = checks_host.runs_folder(Subject(runs=tmp_path / "new" / "runs"))
    assert found.level in ("ok", "warning")  # a tester's disk may be nearly full
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="nobody can write in /proc")
def test_folders_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checks_host.runs_folder(Subject(runs=Path("/proc/dstilts/runs")))
    expect(found, "error", "/proc/dstilts/runs: cannot be written", "choose another folder")
    monkeypatch.setenv("DSTILTS_CACHE", "/proc/cache")
    expect(checks_host.cache(Subject()), "error", "/proc/cache: cannot be", "DSTILTS_CACHE")


@pytest.mark.parametrize(
    ("field", "value", "level", "text"),
    [
        ("f_bavail", 5 * GIB // 4096, "warning", "5.0 GiB free"),
        ("f_bavail", 1000, "error", "3.9 MiB free"),
        ("f_favail", 2000, "warning", "room for 2000 files"),
        ("f_favail", 3, "error", "room for 3 files"),
    ],
)
def test_full_disks(
    field: str,
    value: int,
    level: str,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = {"f_bavail": 1 << 40, "f_frsize": 4096, "f_files": 1 << 20, "f_favail": 1 << 20}
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(**{**disk, field: value}))
    expect(checks_host.runs_folder(Subject(runs=tmp_path)), level, text)
    monkeypatch.setattr(
        os, "statvfs", lambda path: SimpleNamespace(**{**disk, "f_files": 0, "f_favail": 0})
    )
    assert checks_host.runs_folder(Subject(runs=tmp_path)).level == "ok"


def test_file_systems_of_several_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    shared = tmp_path.resolve() / "on a server"
    shared.mkdir()
    escaped = str(shared).replace(" ", "\\040")
    lines = ["/dev/a / xfs rw 0 0", f"server:/home {escaped} nfs4 rw 0 0", "/dev/b / ext4 rw 0 0"]
    mounts.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(checks_host, "MOUNTS", mounts)
    assert checks_host.file_system(shared / "runs") == "nfs4"
    assert checks_host.file_system(tmp_path) == "ext4"
    found = checks_host.runs_folder(Subject(runs=shared / "runs"))
    expect(found, "warning", "on nfs4", "prefer a disk of the node")


def test_the_sizes_of_the_encoders() -> None:
    """Against the configurations as transformers builds them."""
    from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    from dstilts.engine.memory_estimate import ModelSize

    large = XLMRobertaConfig(
        vocab_size=250_002,
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        max_position_embeddings=514,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    default = BertConfig(
        vocab_size=250_037,
        hidden_size=384,
        num_attention_heads=12,
        intermediate_size=1536,
        attention_probs_dropout_prob=0.0,
    )
    with torch.device("meta"):
        models = [
            (BertModel(default, add_pooling_layer=False), default, checks_host.DEFAULT_SIZE),
            (XLMRobertaModel(large, add_pooling_layer=False), large, checks_host.LARGE_SIZE),
        ]
    for model, config, size in models:
        assert ModelSize.of(model, config, on_cuda=False) == size
