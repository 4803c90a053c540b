"""The smoke grid: the paper's 11 rows on 9 targets in 40 languages, two seeds, each node once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dstilts.sweep.grid import load_grid
from dstilts.sweep.prepare import prepare
from dstilts.tasks.benchmarks import BENCHMARKS

pytestmark = pytest.mark.e2e


def sweep(runs: Path) -> str:
    command = [sys.executable, "-m", "dstilts", "sweep", "run", "smoke", "--output", str(runs)]
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def test_the_whole_grid_once(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    said = sweep(runs)
    graph = prepare(load_grid("smoke"), runs)
    # A seed: 10 intermediate phases; 11 rows x 6 training sets, XQuAD's and MLQA's being one.
    assert len(graph.phases) == 2 * (10 + 11 * 6)
    # A model is evaluated once; the untrained encoder for both seeds.
    assert len(graph.evaluations) == 2 * (11 * 6 + 10) + 1
    assert len({cell.evaluation for cell in graph.cells}) == len(graph.evaluations)
    assert len(graph.cells) == 2 * 11 * 9

    manifests = {path: path.stat().st_mtime_ns for path in runs.glob("models/*/manifest.json")}
    assert len(manifests) == len(graph.phases)
    assert said.count(" done in ") == len(graph.nodes)
    assert not list((runs / "claims").iterdir())
    records = [json.loads(path.read_text()) for path in runs.glob("records/*/*.json")]
    asked = sum(len(a.languages) for node in graph.evaluations for a in node.asked)
    assert len(records) == asked
    languages = {record["language"] for record in records}
    assert languages >= {c for found in BENCHMARKS["xtreme"].languages.values() for c in found}
    assert len(languages) == 40
    assert {record["task"] for record in records} == set(BENCHMARKS["xtreme"].tasks)

    again = sweep(runs)
    total = len(graph.nodes)
    assert f"nodes: {total}, of which {total} are done already" in again
    assert " done in " not in again
    assert all(path.stat().st_mtime_ns == when for path, when in manifests.items())
