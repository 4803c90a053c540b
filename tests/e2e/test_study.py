"""A whole study in small: grids of several encoders, minimal pairs, the answer; then only again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import tiny_encoder

pytestmark = pytest.mark.e2e

SETTINGS = """
encoder = "{encoder}"
minimal_groups = 3
[[intermediates]]
name = "nli"
tasks = [{{ task = "snli", examples = 24 }}]
[[others]]
name = "one layer"
encoder = "{encoder}"
layers = 1
[[targets]]
name = "xnli"
tasks = [{{ task = "mnli", examples = 24 }}]
evaluate = ["xnli"]
limit = 9
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


def study(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "dstilts", "study", *words, "--output", "runs"],
        cwd=folder,
        env={**os.environ, "DSTILTS_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
        check=False,
    )


def test_a_study_is_run_answered_and_not_run_again(tmp_path: Path) -> None:
    tiny_encoder(tmp_path / "encoder")
    (tmp_path / "study.toml").write_text(SETTINGS.format(encoder=tmp_path / "encoder"))
    first = study(tmp_path, "run", "specialised", "--settings", "study.toml")
    assert first.returncode == 0, first.stdout
    runs = tmp_path / "runs"
    # NLI, two targets of the first encoder, one of the other.
    published = list(runs.glob("models/*/manifest.json"))
    assert len(published) == 4
    made = {path: path.stat().st_mtime_ns for path in published}
    numbers = json.loads((runs / "result.json").read_text())["numbers"]
    assert numbers["score: encoder + nli less one layer"]["low"] is None  # one seed
    assert 0 <= numbers["agreement with logic: one layer"]["value"] <= 100
    assert "What this cannot show" in (runs / "answer.md").read_text()
    page = (runs / "report.html").read_bytes()

    again = study(tmp_path, "run", "specialised", "--settings", "study.toml")
    assert again.returncode == 0, again.stdout
    assert {path: path.stat().st_mtime_ns for path in published} == made
    assert (runs / "report.html").read_bytes() == page
