"""A disk that is full, for one rank or for all: training goes on, and nothing is lost."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dstilts.checkpoints.publish import is_published
from dstilts.core.config import write_config
from dstilts.core.logs import read_events
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.saving import resume_folder
from dstilts.engine.train import train_on
from tests.distributed.launch import REPOSITORY
from tests.distributed.phases import made_up, phase
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.distributed


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))


def trained(config: PhaseConfig, folder: Path, *where: str) -> tuple[int, list[str]]:
    """How two ranks of full_disk_worker.py end under the launcher, and the lines they say."""
    file, log = folder / "phase.toml", folder / f"log-{'-'.join(where)}.txt"
    write_config(file, config)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [
        sys.executable,
        str(Path(sys.executable).with_name("deepspeed")),
        "--num_accelerators=2",
        f"--master_port={port}",
        "--module",
        "tests.distributed.full_disk_worker",
        str(file),
        *where,
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"}
    with log.open("w") as stream:
        process = subprocess.Popen(
            words,
            cwd=REPOSITORY,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        code = process.wait(timeout=240)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return code, log.read_text().splitlines()


def steps_of(config: PhaseConfig, event: str, key: str) -> list[object]:
    events = read_events(config.run_folder / "events.jsonl")
    return [each[key] for each in events if each["event"] == event]


def points(config: PhaseConfig) -> list[str]:
    return sorted(path.name for path in resume_folder(config).iterdir())


def test_one_rank_cannot_save_and_the_model_cannot_be_published(tmp_path: Path) -> None:
    config = phase(
        tmp_path / "out", tiny_encoder(tmp_path / "encoder"), "mnli", steps=20, save_every=5
    )
    code, lines = trained(config, tmp_path, "save", "publish")
    assert code == 1, lines
    # Both ranks agree that step 10 was not saved; one says so, and half of it is removed.
    (warning,) = [line for line in lines if "could not be saved" in line]
    assert "out: step 10 could not be saved in " in warning
    assert "a file would be larger than this system allows (" in warning
    assert warning.endswith("; training goes on")
    assert steps_of(config, "saved", "step") == [5, 15, 20]
    # Nothing is published, and the last points stay.
    failures = {line for line in lines if line.startswith("dstilts failed: ")}
    (failure,) = failures
    assert "nothing was published" in failure
    assert not any("Traceback" in line for line in lines)
    assert points(config) == ["step-00000015", "step-00000020"]
    assert not config.output.exists()
    assert not list(tmp_path.glob(".out.*"))

    # After room was made: no step is taken again.
    code, lines = trained(config, tmp_path)
    assert code == 0, lines
    assert is_published(config.output)
    assert steps_of(config, "start", "first_step") == [0, 20]
    assert steps_of(config, "train", "step") == list(range(20))
    assert not resume_folder(config).exists()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with 64 KiB left."""
    folder = tmp_path / "out.run" / "resume"
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    (folder / "filler").write_bytes(bytes((1 << 20) - (64 << 10)))
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full_for_all(
    tmp_path: Path, full_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = phase(
        tmp_path / "out", tiny_encoder(tmp_path / "encoder"), "mnli", steps=10, save_every=5
    )
    train_on(config, ProcessGroup(), [made_up("mnli")], {})
    said = [line for line in capsys.readouterr().err.splitlines() if "could not be" in line]
    assert len(said) == 2
    for line, step in zip(said, (5, 10), strict=True):
        assert f"out: step {step} could not be saved in {full_disk}: the disk is full (" in line
        assert line.endswith("; training goes on")
    assert is_published(config.output)
    assert steps_of(config, "saved", "step") == []
