"""Two ranks told to stop in the middle of a run, and started again."""

import os
import signal
import time
from pathlib import Path

import pytest

from dstilts.checkpoints.publish import ENCODER_FILE, HEADS_FILE
from dstilts.checkpoints.resume import find_resume
from dstilts.core.digest import file_digest
from dstilts.core.logs import read_events
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.preemption import EXIT_CODE
from dstilts.engine.saving import resume_folder
from tests.distributed.launch import launch, rank_processes
from tests.distributed.phases import phase
from tests.tiny import tiny_encoder

pytestmark = pytest.mark.distributed

STEPS = 60
TASKS = ("mnli", "udpos")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))


def losses(config: PhaseConfig) -> dict[int, float]:
    events = read_events(config.run_folder / "events.jsonl")
    return {e["step"]: e["loss"] for e in events if e["event"] == "train"}


def steps_taken(config: PhaseConfig) -> int:
    file = config.run_folder / "events.jsonl"
    return len(losses(config)) if file.exists() else 0


def test_sigterm_saves_and_a_restart_ends_with_the_same_weights(tmp_path: Path) -> None:
    encoder = tiny_encoder(tmp_path / "encoder")
    # Stage 3: parameters, gradients and optimizer state all stand in shards.
    undisturbed = phase(tmp_path / "whole", encoder, *TASKS, steps=STEPS, zero_stage=3)
    stopped = phase(tmp_path / "stopped", encoder, *TASKS, steps=STEPS, zero_stage=3)

    # Both phases in one launch; the second is stopped in the middle, by its first rank alone.
    launched = launch([undisturbed, stopped], tmp_path / "launch")
    while steps_taken(stopped) < 10:
        assert launched.poll() is None, (tmp_path / "launch" / "log.txt").read_text()
        time.sleep(0.05)
    os.kill(rank_processes(launched.pid)[0], signal.SIGTERM)
    # The ranks end with 75 and the launcher passes it on.
    assert launched.wait(timeout=60) == EXIT_CODE, (tmp_path / "launch" / "log.txt").read_text()
    point = find_resume(resume_folder(stopped), ProcessGroup())
    assert point is not None
    assert 10 <= point.state.step < STEPS
    assert not stopped.output.exists()

    again = launch([undisturbed, stopped], tmp_path / "launch")
    assert again.wait(timeout=120) == 0, (tmp_path / "launch" / "log.txt").read_text()
    assert losses(stopped) == losses(undisturbed)
    for file in (ENCODER_FILE, HEADS_FILE):
        assert file_digest(stopped.output / file) == file_digest(undisturbed.output / file)
    starts = [e for e in read_events(stopped.run_folder / "events.jsonl") if e["event"] == "start"]
    assert [start["first_step"] for start in starts] == [0, point.state.step]
    assert not resume_folder(stopped).exists()
