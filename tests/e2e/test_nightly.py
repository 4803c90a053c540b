"""`launchers/nightly.sh`: a night runs the grid, the next one says what changed since."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import tiny_encoder

pytestmark = pytest.mark.e2e

LAUNCHER = Path(__file__).resolve().parents[2] / "launchers" / "nightly.sh"
GRID = """
name = "night"
encoder = "encoder"
intermediates = []
[[targets]]
name = "tatoeba"
evaluate = ["tatoeba"]
limit = 10
[batch]
max_length = 120
[evaluation]
languages = ["de"]
"""


def night(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "DSTILTS_CACHE": str(folder / "cache")}
    return subprocess.run(
        [str(LAUNCHER), "runs", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_two_nights(tmp_path: Path) -> None:
    tiny_encoder(tmp_path / "encoder")
    (tmp_path / "grid.toml").write_text(GRID)
    # The encoder's path is the caller's; keys may stand behind options.
    first = night(tmp_path, "grid.toml", "--slots", "1", 'evaluation.languages=["de"]')
    assert first.returncode == 0, first.stderr
    second = night(tmp_path, "grid.toml", 'evaluation.languages=["de","zh"]', "--slots", "1")
    assert second.returncode == 0, second.stderr
    history = tmp_path / "runs" / "history"
    one, other = sorted(path for path in history.iterdir() if path.name[0] == "2")
    assert (history / "latest").resolve() == other
    assert "1 evaluations: 1 to run" in (one / "plan.txt").read_text()
    assert "1 evaluations: 1 to run" in (other / "plan.txt").read_text()
    assert f'href="../{one.name}/report.html"' in (other / "report.html").read_text()
    assert "The earlier report" not in (one / "report.html").read_text()


def test_a_mistake_keeps_its_code_and_the_last_night(tmp_path: Path) -> None:
    assert night(tmp_path).returncode == 2
    done = night(tmp_path, "nowhere.toml")
    assert done.returncode == 2
    assert "no such file" in done.stderr
    assert not (tmp_path / "runs" / "history" / "latest").exists()
