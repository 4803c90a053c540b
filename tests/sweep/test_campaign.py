"""A small grid whose driver and workers are killed: what `campaign` finds at random moments."""

from pathlib import Path

import pytest

from tests.sweep.campaign import KINDS, campaign
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.e2e

GRID = """
name = "struck"
encoder = "{encoder}"
seeds = [1, 2]
[[intermediates]]
name = "nli"
tasks = [{{ task = "snli", examples = 60 }}]
[[targets]]
name = "xnli"
tasks = [{{ task = "mnli", examples = 60 }}]
evaluate = ["xnli"]
limit = 8
[[targets]]
name = "tatoeba"
evaluate = ["tatoeba"]
limit = 10
[schedule]
epochs = 3.0
learning_rate = 1e-3
[batch]
tokens = 256
micro_batches = 1
max_length = 120
max_length_span = 120
[engine]
save_every = 5
[evaluation]
languages = ["de", "zh"]
"""


def test_nothing_is_lost_or_done_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    tiny_encoder(tmp_path / "encoder")
    (tmp_path / "grid.toml").write_text(GRID.format(encoder=tmp_path / "encoder"))
    result = campaign(str(tmp_path / "grid.toml"), tmp_path, kills=len(KINDS), seed=1)
    assert result["last_exit_code"] == 0, (tmp_path / "struck.log").read_text()[-3000:]
    # A seed: nli, and xnli after it and after nothing; four evaluations, the encoder's for both.
    assert result["nodes"] == 2 * 3 + 2 * 3 + 1
    assert result["records"] == 2 * (2 * 2 + 2) + 2
    assert result["records_that_differ"] == result["models_that_differ"] == 0
    assert result["nodes_done_twice"] == result["claims_left"] == 0
    assert any(not kill["was_done"] for kill in result["kills"])
