"""Two nodes on one machine: a launcher for each, which know of each other by an address alone."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dstilts.core.config import write_config
from dstilts.core.logs import read_events
from dstilts.engine.phase import PhaseConfig
from tests.distributed.launch import REPOSITORY, free_port, rank_processes
from tests.distributed.phases import phase
from tests.distributed.reference import published_weights, train_plainly
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.distributed

TASKS = ("mnli", "udpos", "squad_v1")
STEPS = 20  # the warm-up is a whole number of them
TOLERANCE = 1e-5
SECONDS = 240  # more than any launch takes
PROGRAMS = Path(sys.executable).parent
DEEPSPEED = (sys.executable, str(PROGRAMS / "deepspeed"))
TORCHRUN = (sys.executable, "-m", "torch.distributed.run")


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILTS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> tuple[list[float], dict]:
    """Losses and weights of plain torch."""
    return train_plainly(phase(tmp_path_factory.mktemp("plain"), encoder, *TASKS, steps=STEPS))


@contextlib.contextmanager
def launched(folder: Path, *commands: Sequence[str]) -> Iterator[list[subprocess.Popen[str]]]:
    """Starts each command in a process group of its own, with its output in `folder`/log-N.txt."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"}
    processes = []
    try:
        for number, command in enumerate(commands):
            with (folder / f"log-{number}.txt").open("w") as log:
                processes.append(
                    subprocess.Popen(
                        command,
                        cwd=REPOSITORY,
                        env=environment,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        text=True,
                        start_new_session=True,
                    )
                )
        yield processes
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def logs(folder: Path) -> str:
    return "\n".join(file.read_text() for file in sorted(folder.glob("log-*.txt")))


def work(folder: Path, *phases: PhaseConfig) -> list[str]:
    """The module that a launcher is to run, and its arguments."""
    files = []
    for config in phases:
        files.append(folder / f"{config.name}.toml")
        write_config(files[-1], config)
    return ["tests.distributed.worker", *map(str, files)]


def deepspeed_nodes(folder: Path, *phases: PhaseConfig) -> list[list[str]]:
    """The commands of two nodes with one rank each."""
    hostfile = folder / "hostfile"
    hostfile.write_text("# of this test\nnodeA slots=1\nnodeB slots=1\n")
    meeting = ["--master_addr=127.0.0.1", f"--master_port={free_port()}"]
    common = [*DEEPSPEED, f"--hostfile={hostfile}", "--no_ssh", *meeting]
    module = ["--module", *work(folder, *phases)]
    return [[*common, f"--node_rank={node}", *module] for node in (0, 1)]


def check(config: PhaseConfig, losses: list[float], weights: dict) -> None:
    events = read_events(config.run_folder / "events.jsonl")
    assert [event["world_size"] for event in events if event["event"] == "start"] == [2]
    seen = [event["loss"] for event in events if event["event"] == "train"]
    assert len(seen) == STEPS
    worst = max(abs(one - other) for one, other in zip(seen, losses, strict=True))
    assert worst <= TOLERANCE, config.name
    published = published_weights(config.output)
    for name, weight in weights.items():
        assert float((published[name] - weight).abs().max()) <= TOLERANCE, (config.name, name)


def test_two_deepspeed_nodes_train_as_plain_torch(
    tmp_path: Path, encoder: Path, expected: tuple[list[float], dict]
) -> None:
    phases = [
        phase(tmp_path / f"zero{stage}", encoder, *TASKS, steps=STEPS, zero_stage=stage)
        for stage in (2, 3)
    ]
    with launched(tmp_path, *deepspeed_nodes(tmp_path, *phases)) as nodes:
        assert [node.wait(timeout=SECONDS) for node in nodes] == [0, 0], logs(tmp_path)
    for config in phases:
        check(config, *expected)


@pytest.mark.parametrize("launcher", ["torchrun", "two torchruns", "mpiexec"])
def test_other_launchers(
    launcher: str, tmp_path: Path, encoder: Path, expected: tuple[list[float], dict]
) -> None:
    config = phase(tmp_path / "model", encoder, *TASKS, steps=STEPS, zero_stage=2)
    module = ["-m", *work(tmp_path, config)]
    match launcher:
        case "torchrun":
            port = f"--master-port={free_port()}"
            commands = [[*TORCHRUN, "--nnodes=1", "--nproc-per-node=2", port, *module]]
        case "two torchruns":
            meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{free_port()}"]
            node = [*TORCHRUN, "--nnodes=2", "--nproc-per-node=1", "--rdzv-id=test", *meeting]
            commands = [[*node, "--local-addr=127.0.0.1", *module]] * 2
        case _:
            port = ["-genv", "MASTER_PORT", str(free_port())]
            commands = [
                [str(PROGRAMS / "mpiexec"), "-n", "2", *port, sys.executable, *module],
            ]
    with launched(tmp_path, *commands) as nodes:
        assert [node.wait(timeout=SECONDS) for node in nodes] == [0] * len(nodes), logs(tmp_path)
    check(config, *expected)


def test_a_node_that_loses_its_rank_ends_the_other(tmp_path: Path, encoder: Path) -> None:
    config = phase(tmp_path / "model", encoder, *TASKS, steps=5000, zero_stage=2)
    events = config.run_folder / "events.jsonl"
    with launched(tmp_path, *deepspeed_nodes(tmp_path, config)) as nodes:
        while not events.exists() or len(read_events(events)) < 5:
            assert [node.poll() for node in nodes] == [None, None], logs(tmp_path)
            time.sleep(0.05)
        (rank,) = rank_processes(nodes[1].pid)
        os.kill(rank, signal.SIGKILL)
        codes = [node.wait(timeout=60) for node in nodes]
        assert codes[0] == 1, logs(tmp_path)
        assert codes[1] == 256 - signal.SIGKILL, logs(tmp_path)
        assert [rank_processes(node.pid) for node in nodes] == [[], []]
