"""The launchers of evaluations over several nodes: real ranks, and a Slurm of two nodes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evaluation.tiny_farm import publish_tiny
from tests.slurm_cluster import missing_programs, slurm_cluster

pytestmark = pytest.mark.distributed

LAUNCHERS = Path(__file__).resolve().parents[2] / "launchers"
ASKED = ("--tasks", "xnli,tatoeba", "--langs", "de,sw", "--limit", "9")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("launchers")
    publish_tiny(folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILTS_CACHE", str(folder / "cache"))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        yield folder


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, dict[str, float]]:
    """The scores of one process."""
    command = ["dstilts", "evaluate", "model", *ASKED, "--output", "one"]
    subprocess.run(command, cwd=folder, check=True, timeout=240)
    found = scores(folder / "one")
    assert len(found) == 4
    return found


def scores(runs: Path) -> dict[str, dict[str, float]]:
    """By record its metrics."""
    return {f.name: json.loads(f.read_text())["metrics"] for f in runs.glob("records/*/*.json")}


def test_the_hosts_of_a_hostfile(folder: Path, expected: dict[str, dict[str, float]]) -> None:
    (folder / "hosts").write_text("# a host\n\nlocalhost slots=2\n")
    command = [str(LAUNCHERS / "evaluate_mpi.sh"), "hosts", "model", *ASKED, "--output", "mpi"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert scores(folder / "mpi") == expected
    # One rank hands out, two work: each line is said once.
    assert done.stderr.count("models to evaluate: 1") == 1
    assert len(done.stdout.splitlines()) == 4


def test_a_mistake_ends_all_ranks_with_one_line(folder: Path) -> None:
    (folder / "hosts").write_text("localhost slots=2\n")
    command = [str(LAUNCHERS / "evaluate_mpi.sh"), "hosts", "model", "--tasks", "xnl"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("unknown task 'xnl'") == 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["hosts"], "usage: evaluate_mpi.sh HOSTFILE MODEL..."),
        (["nowhere", "model"], "nowhere: no such hostfile"),
        (["empty", "model"], "empty: names no host"),
    ],
)
def test_mistakes_of_the_launcher(folder: Path, words: list[str], problem: str) -> None:
    (folder / "empty").write_text("# nobody\n")
    command = [str(LAUNCHERS / "evaluate_mpi.sh"), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert problem in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slurm
def test_two_nodes_of_slurm(folder: Path, expected: dict[str, dict[str, float]]) -> None:
    missing = missing_programs()
    if missing:
        pytest.skip(f"no Slurm here: {', '.join(missing)} not installed")
    with slurm_cluster(folder / "slurm") as cluster:
        script = [str(LAUNCHERS / "evaluate.sbatch"), "model", *ASKED, "--output", "slurm"]
        job = cluster.run("sbatch", "--parsable", f"--chdir={folder}", *script)
        cluster.wait_for(job, ["COMPLETED", "FAILED", "CANCELLED"], timeout=240)
        log = (folder / f"dstilts-evaluate-{job}.log").read_text()
        assert cluster.state(job) == "COMPLETED", log
    assert scores(folder / "slurm") == expected
    assert log.count("models to evaluate: 1") == 1, "four ranks of one job, not four jobs"
