"""The scripts in launchers/: runs that stop and go on, on one node, on two, and in Slurm."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dstilts.core.config import write_config
from dstilts.core.launchers import expand_hosts
from dstilts.core.logs import read_events
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.preemption import EXIT_CODE
from tests.distributed.launch import REPOSITORY, free_port
from tests.distributed.phases import phase
from tests.slurm_cluster import SlurmCluster, missing_programs, slurm_cluster
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.distributed

LAUNCHERS = REPOSITORY / "launchers"
STEPS = 60
SECONDS = 240


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("launchers")
    tiny_encoder(folder / "encoder")
    return folder


@pytest.fixture(scope="module", autouse=True)
def _environment(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILTS_CACHE", str(folder / "cache"))
        patch.setenv("DS_ACCELERATOR", "cpu")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[int, float]:
    """The losses of a run that nothing disturbed, by local.sh."""
    config = make(folder, "whole")
    with script(folder, "local.sh", "whole.toml", RANKS="2") as local:
        assert local.wait(timeout=SECONDS) == 0, output(folder)
    found = losses(config)
    assert list(found) == list(range(STEPS))
    return found


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[SlurmCluster]:
    missing = missing_programs()
    if missing:
        pytest.skip(f"no Slurm here: {', '.join(missing)} not installed")
    with slurm_cluster(folder / "slurm") as found:
        yield found


def make(folder: Path, name: str) -> PhaseConfig:
    """A phase of real examples of the phrasebook, written to `name`.toml."""
    config = phase(folder / name, folder / "encoder", "mnli", "udpos", steps=STEPS, zero_stage=2)
    write_config(folder / f"{name}.toml", config)
    return config


@contextlib.contextmanager
def script(folder: Path, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Starts a launcher in `folder`, with its output appended to output.txt there."""
    with (folder / "output.txt").open("a") as stream:
        process = subprocess.Popen(
            [str(LAUNCHERS / words[0]), *words[1:]],
            cwd=folder,
            env={**os.environ, **variables},
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # What is left has a session of its own: the first signal saves, the second kills.
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=10)


def output(folder: Path) -> str:
    return (folder / "output.txt").read_text()


def losses(config: PhaseConfig) -> dict[int, float]:
    events = config.run_folder / "events.jsonl"
    found = read_events(events) if events.exists() else []
    return {e["step"]: e["loss"] for e in found if e["event"] == "train"}


def wait_for_steps(config: PhaseConfig, number: int = 10) -> None:
    """Waits until a run is in the middle."""
    deadline = time.monotonic() + SECONDS
    while len(losses(config)) < number:
        assert time.monotonic() < deadline, "the run does not begin"
        time.sleep(0.05)


def first_steps(config: PhaseConfig) -> list[int]:
    """Of each start of a run."""
    events = read_events(config.run_folder / "events.jsonl")
    return [event["first_step"] for event in events if event["event"] == "start"]


def test_two_nodes_without_ssh_stop_together_and_go_on(
    folder: Path, expected: dict[int, float]
) -> None:
    config = make(folder, "nodes")
    (folder / "hosts").write_text("# two nodes\nnodeA slots=1\n\nnodeB slots=1\n")

    @contextlib.contextmanager
    def nodes() -> Iterator[list[subprocess.Popen[str]]]:
        words = ("multinode.sh", "--no-ssh", "hosts", "nodes.toml")
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        with (
            script(folder, *words, **meeting, NODE_RANK="0") as first,
            script(folder, *words, **meeting, NODE_RANK="1") as second,
        ):
            yield [first, second]

    with nodes() as both:
        wait_for_steps(config)
        both[1].send_signal(signal.SIGTERM)  # of one node's script alone
        assert [node.wait(timeout=60) for node in both] == [EXIT_CODE] * 2, output(folder)
    assert not config.output.exists()
    with nodes() as both:
        assert [node.wait(timeout=SECONDS) for node in both] == [0, 0], output(folder)
    assert losses(config) == expected
    assert first_steps(config)[0] == 0
    assert first_steps(config)[1] >= 10


# Stands in for deepspeed: a process that starts one rank, which does as `rank` says.
DEEPSPEED = """#!/usr/bin/env bash
bash -c '
    bash -c "{rank}; echo started; while :; do sleep 0.1; done" &
    wait $!; exit $?
'
"""


@pytest.mark.parametrize(
    ("rank", "signals", "code"),
    [
        ("trap 'exit 75' USR2", [signal.SIGINT], 75),
        ("trap 'exit 75' USR2", [signal.SIGHUP], 75),
        ("trap '' USR2", [signal.SIGTERM, signal.SIGTERM], 128 + signal.SIGKILL),
    ],
)
def test_signals(rank: str, signals: list[signal.Signals], code: int, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "deepspeed"
    fake.parent.mkdir()
    fake.write_text(DEEPSPEED.format(rank=rank.replace("'", "'\\''")))
    fake.chmod(0o755)
    hosts = tmp_path / "hosts"
    hosts.write_text("a slots=1\n")
    path = f"{fake.parent}:{os.environ['PATH']}"
    words = ("multinode.sh", "--no-ssh", "hosts", "x.toml")
    with script(tmp_path, *words, PATH=path, NODE_RANK="0") as process:
        for number, each in enumerate(signals):
            deadline = time.monotonic() + 30
            while "started" not in output(tmp_path) and time.monotonic() < deadline:
                time.sleep(0.05)
            if number:
                time.sleep(1)  # a signal that comes while one is handled counts as the same
            process.send_signal(each)
        assert process.wait(timeout=30) == code, output(tmp_path)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["local.sh"], "usage: local.sh PHASE.toml"),
        (["multinode.sh", "hosts"], "usage: multinode.sh"),
        (["multinode.sh", "host", "x.toml"], "host: no such hostfile"),
        (["multinode.sh", "--no-ssh", "empty", "x.toml"], "empty: names no host"),
        (["multinode.sh", "--no-ssh", "hosts", "x.toml"], "does not name this host"),
    ],
)
def test_mistakes(words: list[str], problem: str, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("nodeA slots=1\nnodeB slots=1\n")
    (tmp_path / "empty").write_text("# nobody\n")
    with script(tmp_path, *words) as process:
        assert process.wait(timeout=60) == 2
    assert problem in output(tmp_path)
    assert len(output(tmp_path).splitlines()) == 1


def test_without_pdsh(tmp_path: Path) -> None:
    shutil.copy(LAUNCHERS / "hostfile.example", tmp_path / "hosts")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "awk", "dirname", "dstilts"):
        (programs / name).symlink_to(str(shutil.which(name)))
    with script(tmp_path, "multinode.sh", "hosts", "x.toml", PATH=str(programs)) as process:
        assert process.wait(timeout=60) == 2
    assert "pdsh is not installed" in output(tmp_path)


def submit(cluster: SlurmCluster, folder: Path, config: PhaseConfig, *options: str) -> str:
    """The number of a job that trains a phase on both nodes."""
    script = [str(LAUNCHERS / "slurm.sbatch"), f"{config.name}.toml"]
    place = [f"--chdir={folder}", "--cpus-per-task=1", *options]
    return cluster.run("sbatch", "--parsable", *place, *script)


@pytest.mark.slurm
def test_a_slurm_job_that_is_told_to_stop_is_queued_again(
    cluster: SlurmCluster, folder: Path, expected: dict[int, float]
) -> None:
    config = make(folder, "requeued")
    job = submit(cluster, folder, config)
    log = folder / f"dstilts-{job}.log"
    wait_for_steps(config)
    # As Slurm itself does ahead of the time limit (--signal): to the steps, not to the script.
    cluster.run("scancel", "--signal=USR2", job)
    cluster.wait_for(job, ["COMPLETED", "FAILED", "CANCELLED"], timeout=SECONDS)
    assert cluster.state(job) == "COMPLETED", log.read_text()
    assert "Restarts=1 " in cluster.run("scontrol", "show", "job", job)
    assert losses(config) == expected
    assert first_steps(config)[0] == 0
    assert first_steps(config)[1] >= 10


@pytest.mark.slurm
def test_a_slurm_job_that_is_cancelled_saves_and_stays_cancelled(
    cluster: SlurmCluster, folder: Path
) -> None:
    config = make(folder, "cancelled")
    job = submit(cluster, folder, config)
    wait_for_steps(config)
    cluster.run("scancel", job)
    cluster.wait_for(job, ["CANCELLED"])
    assert "Restarts=0 " in cluster.run("scontrol", "show", "job", job)
    assert list((config.run_folder / "resume").glob("step-*"))


@pytest.mark.slurm
def test_a_slurm_job_with_a_mistake_fails_at_once(cluster: SlurmCluster, folder: Path) -> None:
    (folder / "broken.toml").write_text('name = "x"\n')
    job = cluster.run(
        "sbatch",
        "--parsable",
        f"--chdir={folder}",
        "--cpus-per-task=1",
        str(LAUNCHERS / "slurm.sbatch"),
        "broken.toml",
    )
    cluster.wait_for(job, ["FAILED", "COMPLETED"])
    assert "ExitCode=2:0" in cluster.run("scontrol", "show", "job", job)
    assert "broken.toml" in (folder / f"dstilts-{job}.log").read_text()


@pytest.mark.slurm
@pytest.mark.parametrize(
    "text", ["n1", "n[1-3,7],m2", "gpu[008-011,3]", "a-[9-11]", "r[0-1]n[1,3]"]
)
def test_lists_of_hosts_are_read_as_slurm_reads_them(cluster: SlurmCluster, text: str) -> None:
    assert expand_hosts(text) == cluster.run("scontrol", "show", "hostnames", text).split()


@pytest.mark.slurm
@pytest.mark.parametrize("options", [(), ("--mpi=pmi2",)])
def test_the_ranks_of_srun(cluster: SlurmCluster, options: tuple[str, ...]) -> None:
    code = (
        "from dstilts.core.process_group import launched_ranks; import os; g = launched_ranks(); "
        "print(g.rank, g.world_size, g.local_rank, os.environ['MASTER_ADDR'], os.environ['RANK'])"
    )
    words = ("srun", *options, "--nodes=2", "--ntasks-per-node=2", "env", "-u", "MASTER_ADDR")
    shown = cluster.run(*words, sys.executable, "-c", code)
    assert sorted(shown.splitlines()) == [
        f"{rank} 4 {local_rank} n1 {rank}" for rank, local_rank in enumerate([0, 1, 0, 1])
    ]
