"""Two ranks search for the size of a pass, agree on it, and find it again."""

import dataclasses
from pathlib import Path

import pytest

from dstilts.core.cache import cache_folder
from dstilts.core.files import read_json
from dstilts.core.logs import read_events
from dstilts.engine.phase import PhaseConfig
from tests.distributed.launch import launch
from tests.distributed.phases import phase
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.distributed


def losses(config: PhaseConfig) -> list[object]:
    events = read_events(config.run_folder / "events.jsonl")
    return [event["loss"] for event in events if event["event"] == "train"]


def test_a_search_and_a_second_run_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    encoder = tiny_encoder(tmp_path / "encoder")
    phases = []
    for name in ("first", "second"):
        made = phase(tmp_path / name, encoder, "mnli", "mlm", steps=5, fuse=0, zero_stage=2)
        batch = dataclasses.replace(made.batch, micro_batches=16)
        phases.append(dataclasses.replace(made, batch=batch))
    launched = launch(phases, tmp_path / "launch")
    log = tmp_path / "launch" / "log.txt"
    assert launched.wait(timeout=240) == 0, log.read_text()
    (said,) = [line for line in log.read_text().splitlines() if "is remembered in" in line]
    (file,) = cache_folder("fuse").iterdir()
    found = read_json(file)
    assert f"engine.fuse = {found['fuse']} " in said
    assert found["fuse"] in (1, 2, 4, 8)
    assert (found["ranks"], found["ranks_here"]) == (2, 2)
    # Passes of one size draw the same dropout: the second run had the first one's.
    assert losses(phases[0]) == losses(phases[1])
    assert len(losses(phases[0])) == 5
