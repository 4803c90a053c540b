"""The main job in small: the whole grid under the real launcher, stopped, restarted, done once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tiny import tiny_encoder

pytestmark = pytest.mark.e2e

GRID = """
name = "smoke"
encoder = "{encoder}"
trim_vocabulary = true
[[intermediates]]
name = "nli+qa"
tasks = [{{ task = "snli", examples = 40 }}, {{ task = "squad_v1", examples = 20 }}]
[[targets]]
name = "xnli"
tasks = [{{ task = "mnli", examples = 40 }}]
evaluate = ["xnli"]
limit = 8
[[targets]]
name = "udpos"
tasks = [{{ task = "udpos", examples = 40 }}]
evaluate = ["udpos"]
limit = 8
[[targets]]
name = "xquad"
tasks = [{{ task = "squad_v1", examples = 20 }}]
evaluate = ["xquad"]
limit = 8
[[targets]]
name = "tatoeba"
evaluate = ["tatoeba"]
limit = 20
[schedule]
learning_rate = 1e-3
[batch]
tokens = 256
micro_batches = 2
max_length = 120
max_length_span = 120
[evaluation]
languages = ["en", "de", "zh"]
"""


def sweep(folder: Path, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "dstilts", "sweep", *words, "--output", "runs"]
    environment = {**os.environ, "DSTILTS_CACHE": str(folder / "cache")}
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def records(folder: Path) -> dict[str, dict[str, object]]:
    paths = sorted((folder / "runs" / "records").rglob("*.json"))
    return {str(path.relative_to(folder)): json.loads(path.read_text()) for path in paths}


def test_a_grid_is_stopped_started_again_and_done_once(tmp_path: Path) -> None:
    tiny_encoder(tmp_path / "encoder")
    (tmp_path / "grid.toml").write_text(GRID.format(encoder=tmp_path / "encoder"))

    # Stopped as soon as the first model is published.
    first = sweep(tmp_path, "run", "grid.toml", "--ranks", "2")
    deadline = time.monotonic() + 240
    models = tmp_path / "runs" / "models"
    while not list(models.glob("*/manifest.json")):
        assert first.poll() is None, first.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    output = first.communicate(timeout=120)[0]
    assert first.returncode == 130, output
    assert "Traceback" not in output
    published = {path: path.stat().st_mtime_ns for path in models.glob("*/manifest.json")}
    assert 0 < len(published) < 7

    # Started again: what was published stays as it is, the rest is made.
    second = sweep(tmp_path, "run", "grid.toml", "--ranks", "2")
    output = second.communicate(timeout=400)[0]
    assert second.returncode == 0, output
    assert len(list(models.glob("*/manifest.json"))) == 7
    assert all(path.stat().st_mtime_ns == when for path, when in published.items())

    # Every cell has its scores, each with its origin.
    found = records(tmp_path)
    cells = {
        (record["model"]["intermediate"], record["task"], record["language"])
        for record in found.values()
    }
    languages = {"xnli": 3, "udpos": 3, "xquad": 3, "tatoeba": 2}
    assert len(cells) == len(found) == 2 * sum(languages.values())
    for record in found.values():
        assert record["source"]["name"] == "phrasebook"
        assert record["num_examples"] in (8, 20)
        assert record["subset"]
        assert record["main_metric"] in record["metrics"]
    page = (tmp_path / "runs" / "report.html").read_text()
    assert "nli+qa" in page
    assert (tmp_path / "runs" / "report.md").is_file()
    assert list((tmp_path / "runs").rglob("events.out.tfevents.*"))

    # A published model is an ordinary Hugging Face folder.
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(next(iter(published)).parent)
    tokenizer = AutoTokenizer.from_pretrained(next(iter(published)).parent)
    assert model(**tokenizer("The book.", return_tensors="pt")).last_hidden_state.shape[2] == 32

    # A third call computes nothing.
    third = sweep(tmp_path, "run", "grid.toml", "--ranks", "2")
    output = third.communicate(timeout=120)[0]
    assert third.returncode == 0, output
    assert " done in " not in output
    assert records(tmp_path) == found

    plan = sweep(tmp_path, "plan", "grid.toml")
    assert "7 phases and 8 evaluations: 15 done" in plan.communicate()[0]
