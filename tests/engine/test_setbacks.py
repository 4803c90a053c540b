"""Runs that go wrong: rolled back behind the data at fault, started anew, stopped early."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dstilts.checkpoints.manifest import read_manifest
from dstilts.checkpoints.publish import load_published
from dstilts.core.errors import RunError
from dstilts.core.logs import read_events
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.data import token_rows
from dstilts.engine.phase import EarlyStopConfig, GuardConfig, PhaseConfig
from dstilts.engine.train import train_on
from dstilts.models.encoder import load_encoder
from dstilts.models.multitask import MultiTaskModel
from tests.distributed.phases import made_up, phase

SETS = [made_up("mnli")]


def train(config: PhaseConfig, **more: object) -> list[dict]:
    train_on(config, ProcessGroup(), SETS, {}, **more)
    return read_events(config.run_folder / "events.jsonl")


def steps_of(events: list[dict]) -> list[int]:
    return [event["step"] for event in events if event["event"] == "train"]


def with_guards(config: PhaseConfig, **guards: int) -> PhaseConfig:
    return PhaseConfig(**{**vars(config), "guards": GuardConfig(**guards)})


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The eleventh batch that is seen, and every batch equal to it, has no number for a loss."""
    forward = MultiTaskModel.forward
    seen = {"batches": 0, "poison": -1, "met": 0}

    def poisonous(model: MultiTaskModel, batch: dict) -> torch.Tensor:
        content = hash(tuple(batch["input_ids"].flatten().tolist()))
        seen["batches"] += 1
        if seen["batches"] == 11:
            seen["poison"] = content
        loss = forward(model, batch)
        seen["met"] += content == seen["poison"]
        return loss * float("nan") if content == seen["poison"] else loss

    monkeypatch.setattr(MultiTaskModel, "forward", poisonous)
    return seen


@pytest.mark.parametrize("save_every", [2, None])
def test_rolled_back_behind_the_data_at_fault(
    save_every: int | None, poisoned: dict[str, int], encoder: Path, tmp_path: Path
) -> None:
    # One micro-batch of rows that come again only in the next epoch.
    config = phase(tmp_path / "run", encoder, "mnli", steps=5, save_every=save_every)
    events = train(config)
    (back,) = [event for event in events if event["event"] == "rolled_back"]
    assert back["step"] == 2
    starts = [event["first_step"] for event in events if event["event"] == "start"]
    first = 2 if save_every else 0
    assert starts == [0, first]
    assert steps_of(events) == [0, 1, *range(first, 5)]
    assert poisoned["met"] == 1
    assert read_manifest(config.output).settings["attempt"] == {
        "restarts": 0,
        "roll_backs": 1,
        "skipped": 3 - first,
    }


def test_a_run_that_stays_wrong_ends(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = MultiTaskModel.forward
    monkeypatch.setattr(
        MultiTaskModel, "forward", lambda model, batch: forward(model, batch) * float("inf")
    )
    config = with_guards(phase(tmp_path / "run", encoder, "mnli", steps=5), roll_backs=1)
    with pytest.raises(RunError, match=r"after 1 roll-backs: lower schedule\.learning_rate"):
        train(config)
    assert not config.output.exists()


def test_a_run_at_chance_is_started_anew(encoder: Path, tmp_path: Path) -> None:
    # Next to no learning rate: nothing is learnt, whatever the seed.
    base = phase(tmp_path / "run", encoder, "mnli", steps=88)
    settings = {**vars(base.schedule), "learning_rate": 1e-12, "head_learning_rate": 1e-12}
    slow = PhaseConfig(**{**vars(base), "schedule": type(base.schedule)(**settings)})
    config = with_guards(slow, restarts=1)
    events = train(config)
    assert steps_of(events) == [*range(88), *range(88)]
    seeds = [event["settings"]["seed"] for event in events if event["event"] == "start"]
    assert seeds == [1, 1_000_001]
    settings = read_manifest(config.output).settings
    assert settings["attempt"]["restarts"] == 1
    assert "mnli has learnt nothing" in settings["at_chance"]
    assert read_manifest(config.output).key == config.model_key


def test_stopped_early_with_the_best_weights(encoder: Path, tmp_path: Path) -> None:
    base = phase(tmp_path / "run", encoder, "mnli", steps=200)
    early = EarlyStopConfig(every=10, patience=2, examples=20)
    config = PhaseConfig(**{**vars(base), "early_stop": early})
    # Other labels than those trained on: the loss there soon rises.
    other = made_up("snli", 20)
    events = train(config, validation=[other])
    found = [event for event in events if event["event"] == "validated"]
    losses = [event["loss"] for event in found]
    best = losses.index(min(losses))
    assert len(losses) == best + 3 < 20
    assert steps_of(events)[-1] == found[-1]["step"]
    assert read_manifest(config.output).settings["num_steps"] == found[best]["step"] + 1

    # The published weights are those of the best validation, not of the last step.
    bundle = load_encoder(str(encoder))
    (rows,) = token_rows([other], bundle.tokenizer, config.batch, ProcessGroup())
    batch = rows.batch([(np.arange(20), ())], bundle.tokenizer.pad_token_id)
    model = load_published(config.output).model()
    with torch.no_grad():
        loss = model({**batch, "head": rows.head}) / 20
    assert abs(float(loss) - min(losses)) < 1e-5
    assert not (config.run_folder / "best").exists()
