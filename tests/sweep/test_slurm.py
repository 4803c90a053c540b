"""The Slurm executor on a real Slurm of two nodes: results as local, saved and queued again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dstilts.core.digest import file_digest
from dstilts.core.files import read_json
from dstilts.sweep.kept_grids import kept_grids
from dstilts.sweep.prepare import prepare
from dstilts.sweep.state import RunsState
from tests.slurm_cluster import SlurmCluster, missing_programs, slurm_cluster
from tests.tiny import tiny_encoder

pytestmark = [pytest.mark.distributed, pytest.mark.slurm]

GRID = """
name = "two"
encoder = "encoder"
[[intermediates]]
name = "nli"
tasks = [{ task = "snli", examples = 40 }]
[[targets]]
name = "xnli"
tasks = [{ task = "mnli", examples = 40 }]
evaluate = ["xnli"]
limit = 8
[[targets]]
name = "tatoeba"
evaluate = ["tatoeba"]
limit = 10
[schedule]
learning_rate = 1e-3
[batch]
tokens = 256
micro_batches = 2
max_length = 120
max_length_span = 120
[evaluation]
languages = ["de", "zh"]
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    if missing := missing_programs():
        pytest.skip(f"no Slurm here: {', '.join(missing)} not installed")
    with slurm_cluster(tmp_path_factory.mktemp("slurm")) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_encoder(tmp_path / "encoder")
    (tmp_path / "grid.toml").write_text(GRID)
    return tmp_path


def sweep(folder: Path, environment: dict[str, str], *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "dstilts", "sweep", "run", "grid.toml", *words],
        cwd=folder,
        env={**environment, "DSTILTS_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def results(runs: Path) -> dict[str, object]:
    """Scores by record and digests of weights by model."""
    found: dict[str, object] = {}
    for file in runs.glob("records/*/*.json"):
        record = json.loads(file.read_text())
        found[f"{record['model']['key']} {file.name}"] = [record["metrics"], record["predictions"]]
    for file in runs.glob("models/*/model.safetensors"):
        found[file.parent.name] = file_digest(file)
    return found


def test_the_same_bits_as_on_this_machine(folder: Path, cluster: SlurmCluster) -> None:
    # Sums depend on the number of threads: one core a slot, one a rank of a job.
    cores = str(len(os.sched_getaffinity(0)))
    words = ("--output", "local", "--slots", cores, "--ranks", "1")
    local = sweep(folder, dict(os.environ), *words)
    output = local.communicate(timeout=400)[0]
    assert local.returncode == 0, output
    # The evaluations are jobs of MPI: one rank hands out, one works.
    slurm = sweep(folder, cluster.environment, "--output", "slurm", "--slurm")
    output = slurm.communicate(timeout=500)[0]
    assert slurm.returncode == 0, output
    expected, found = results(folder / "local"), results(folder / "slurm")
    assert len(expected) == 3 + 2 * (2 + 2)
    assert found == expected
    jobs = read_json(folder / "slurm" / "slurm" / "jobs.json")
    assert len(jobs) == 3 + 4
    # Again: nothing is submitted.
    again = sweep(folder, cluster.environment, "--output", "slurm", "--slurm")
    assert again.wait(timeout=200) == 0
    assert read_json(folder / "slurm" / "slurm" / "jobs.json") == jobs


def test_two_ranks_are_stopped_and_queued_again(folder: Path, cluster: SlurmCluster) -> None:
    grid = (folder / "grid.toml").read_text()
    target = grid.index("[[targets]]")
    (folder / "grid.toml").write_text(grid[:target] + grid[grid.rindex("[[targets]]") :])
    words = ("schedule.epochs=60", "--output", "runs", "--slurm", "--ranks", "2")
    driver = sweep(folder, cluster.environment, *words)
    runs = folder / "runs"
    _wait(lambda: (runs / "slurm" / "jobs.json").is_file(), driver)
    (chosen,) = kept_grids(runs)
    graph = prepare(chosen.grid, runs)
    first = graph.phases[0]
    events = first.phase.run_folder / "events.jsonl"
    _wait(lambda: events.is_file() and '"train"' in events.read_text(), driver)
    job = read_json(runs / "slurm" / "jobs.json")[first.key]
    cluster.run("scancel", "--signal=USR2", job)
    output = driver.communicate(timeout=500)[0]
    assert driver.returncode == 0, output
    starts = [line for line in events.read_text().splitlines() if '"start"' in line]
    assert len(starts) == 2
    state = RunsState(runs)
    assert state.missing(graph) == ()
    assert state.outcome(first).devices == 2
    assert "goes back to the queue" in "".join(
        file.read_text() for file in (runs / "slurm").glob(f"{job}_0_log.*")
    )


def test_a_failed_job_takes_its_children_along_and_is_named(
    folder: Path, cluster: SlurmCluster
) -> None:
    grid = (folder / "grid.toml").read_text().replace("micro_batches = 2", "micro_batches = 3")
    (folder / "grid.toml").write_text(grid)
    words = ("--output", "runs", "--slurm", "--ranks", "2")
    driver = sweep(folder, cluster.environment, *words)
    output = driver.communicate(timeout=300)[0]
    assert driver.returncode in (2, 3), output
    assert "micro_batches" in output
    assert "Traceback" not in output


def test_cancel_ends_the_jobs(folder: Path, cluster: SlurmCluster) -> None:
    words = ("schedule.epochs=500", "--output", "runs", "--slurm", "--no-wait")
    assert sweep(folder, cluster.environment, *words).wait(timeout=200) == 0
    jobs = set(read_json(folder / "runs" / "slurm" / "jobs.json").values())
    command = [sys.executable, "-m", "dstilts", "sweep", "cancel", "runs"]
    done = subprocess.run(
        command, cwd=folder, env=cluster.environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert {line.split()[-1] for line in done.stdout.splitlines() if "job" in line} == jobs
    _wait(lambda: not cluster.run("squeue", "--noheader"))


def _wait(condition: object, process: "subprocess.Popen[str] | None" = None) -> None:
    deadline = time.monotonic() + 240
    while not condition():  # type: ignore[operator]
        if process is not None and process.poll() is not None:
            pytest.fail(process.communicate()[0])
        if time.monotonic() > deadline:
            if process is not None:
                process.send_signal(signal.SIGKILL)
            pytest.fail("waited too long")
        time.sleep(0.2)
