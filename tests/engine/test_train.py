"""Whole phases on one rank: publishing, lineage, stopping and going on, and what stops a run."""

import dataclasses
import gc
import os
import signal
import warnings
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import AutoModel

from dstilts.checkpoints.publish import ENCODER_FILE, HEADS_FILE, load_published
from dstilts.checkpoints.resume import find_resume
from dstilts.core.digest import file_digest
from dstilts.core.errors import RunError, UserError
from dstilts.core.logs import read_events
from dstilts.core.process_group import ProcessGroup
from dstilts.engine import trainer
from dstilts.engine.hooks import StepResult
from dstilts.engine.log_hook import LogHook
from dstilts.engine.phase import GuardConfig, PhaseConfig, TaskUse
from dstilts.engine.preemption import EXIT_CODE
from dstilts.engine.saving import resume_folder
from dstilts.engine.train import train_on, train_phase
from dstilts.models.encoder import load_encoder
from dstilts.models.multitask import MultiTaskModel
from dstilts.tasks.catalog import task
from tests.distributed.phases import made_up, phase


def run(config: PhaseConfig) -> Path:
    sets = [made_up(use.task) for use in config.tasks]
    return train_on(config, ProcessGroup(), sets, {"made": "up"})


def digests(config: PhaseConfig) -> list[str]:
    return [file_digest(config.output / name) for name in (ENCODER_FILE, HEADS_FILE)]


def train_events(config: PhaseConfig) -> list[dict]:
    events = read_events(config.run_folder / "events.jsonl")
    return [event for event in events if event["event"] == "train"]


def stop_after(patch: pytest.MonkeyPatch, step: int, number: int = signal.SIGTERM) -> None:
    """This process gets a signal while it takes `step`."""
    original = LogHook.after_step

    def after_step(hook: LogHook, result: StepResult) -> None:
        original(hook, result)
        if result.step == step:
            os.kill(os.getpid(), number)

    patch.setattr(LogHook, "after_step", after_step)


def test_phases_hand_over_the_encoder_and_their_history(tmp_path: Path, encoder: Path) -> None:
    first = phase(tmp_path / "nli", encoder, "mnli", steps=3)
    run(first)
    second = dataclasses.replace(
        phase(tmp_path / "pos", first.output, "udpos", steps=1), role="target", seed=2
    )
    run(second)
    one, two = load_published(first.output), load_published(second.output)
    manifest = two.manifest
    assert [(p.name, p.role, p.tasks, p.seed) for p in manifest.lineage] == [
        ("nli", "intermediate", ("mnli",), 1),
        ("pos", "target", ("udpos",), 2),
    ]
    assert (manifest.intermediate, manifest.target) == ("nli", "udpos")
    assert (manifest.encoder, manifest.parent) == ("tiny", one.manifest.key)
    assert manifest.data == {"made": "up"}
    assert set(manifest.heads) == {task("udpos").head}
    # The only step of the second phase is the first of its schedule; dropout aside, it starts from
    # the weights of the first.
    begun = dict(two.encoder.named_parameters())
    for name, weight in one.encoder.named_parameters():
        assert float((weight - begun[name]).detach().abs().max()) <= 6e-3, name
    AutoModel.from_pretrained(second.output)


def test_a_published_phase_is_not_trained_again(tmp_path: Path, encoder: Path) -> None:
    config = phase(tmp_path / "nli", encoder, "mnli", steps=2)
    run(config)
    before = digests(config)
    events = (config.run_folder / "events.jsonl").read_text()
    assert train_phase(config, ProcessGroup()) == config.output
    assert digests(config) == before
    assert (config.run_folder / "events.jsonl").read_text() == events
    with pytest.raises(UserError, match="holds a model of another configuration"):
        train_phase(dataclasses.replace(config, seed=9), ProcessGroup())


def test_from_the_embedded_source(tmp_path: Path, encoder: Path) -> None:
    config = dataclasses.replace(
        phase(tmp_path / "nli", encoder, "xnli", steps=2), tasks=(TaskUse("xnli", examples=20),)
    )
    folder = train_phase(config, ProcessGroup())
    said = load_published(folder).manifest
    assert set(said.heads) == {"nli"}
    assert said.lineage[-1].tasks == ("xnli",)
    assert said.data["xnli"]["num_examples"] == 20


@pytest.mark.parametrize("step", range(6))
def test_stopped_at_every_step_of_a_run(
    tmp_path: Path, encoder: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_stop(tmp_path, encoder, step, monkeypatch)


@pytest.mark.parametrize(
    ("stage", "precision"), [(0, "fp32"), (0, "bf16"), (2, "bf16"), (3, "fp32")]
)
def test_stopped_in_every_stage(
    tmp_path: Path, encoder: Path, stage: int, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_stop(tmp_path, encoder, 3, monkeypatch, zero_stage=stage, precision=precision)


def check_stop(
    folder: Path, encoder: Path, step: int, monkeypatch: pytest.MonkeyPatch, **engine: object
) -> None:
    tasks = ("mnli", "udpos")
    whole = phase(folder / "whole", encoder, *tasks, steps=6, **engine)
    run(whole)
    stopped = phase(folder / "stopped", encoder, *tasks, steps=6, **engine)
    with monkeypatch.context() as patch:
        stop_after(patch, step, signal.SIGUSR1)
        with pytest.raises(SystemExit) as ended:
            run(stopped)
    assert ended.value.code == EXIT_CODE
    point = find_resume(resume_folder(stopped), ProcessGroup())
    assert point is not None
    assert point.state.step == step + 1
    run(stopped)
    assert digests(stopped) == digests(whole)
    assert [e["loss"] for e in train_events(stopped)] == [e["loss"] for e in train_events(whole)]
    assert not resume_folder(stopped).exists()


def test_saved_now_and_then(tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = phase(tmp_path / "nli", encoder, "mnli", steps=9, save_every=2)
    whole = phase(tmp_path / "whole", encoder, "mnli", steps=9)
    run(whole)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "gather_weights", killed)
        with pytest.raises(KeyboardInterrupt):
            run(config)
    kept = sorted(path.name for path in resume_folder(config).glob("step-*"))
    assert kept == ["step-00000006", "step-00000008"]
    run(config)
    assert digests(config) == digests(whole)


def test_resuming_refuses_another_run(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = phase(tmp_path / "nli", encoder, "mnli", steps=4)
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        with pytest.raises(SystemExit):
            run(config)
    with pytest.raises(UserError, match="another configuration"):
        run(dataclasses.replace(config, seed=5))


@pytest.mark.parametrize("log_every", [1, 4])
def test_a_loss_that_is_no_number_stops_the_run(
    tmp_path: Path, encoder: Path, log_every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = phase(tmp_path / "nli", encoder, "mnli", steps=8, save_every=3)
    config = dataclasses.replace(
        config,
        engine=dataclasses.replace(config.engine, log_every=log_every),
        guards=GuardConfig(roll_backs=0),
    )
    original, calls = MultiTaskModel.forward, []

    def forward(model: MultiTaskModel, batch: dict) -> torch.Tensor:
        calls.append(1)
        loss = original(model, batch)
        return loss * float("nan") if len(calls) == 2 * 4 + 1 else loss

    monkeypatch.setattr(MultiTaskModel, "forward", forward)
    with pytest.raises(RunError, match=r"the loss is nan at step 3, .*: lower schedule"):
        run(config)
    assert not config.output.exists()
    # Saving comes after the check: a broken state is never kept.
    assert find_resume(resume_folder(config), ProcessGroup()) is None


def test_what_a_run_says(tmp_path: Path, encoder: Path) -> None:
    config = phase(tmp_path / "nli", encoder, "mnli", steps=5)
    config = dataclasses.replace(config, engine=dataclasses.replace(config.engine, log_every=2))
    run(config)
    events = train_events(config)
    assert [event["step"] for event in events] == [1, 3, 4]
    assert set(events[0]) == {
        *("time", "event", "step", "num_steps", "loss", "losses", "learning_rate"),
        *("gradient_norm", "tokens_per_second", "padding_share", "mfu"),
        *("step_seconds", "memory_gib", "eta_seconds"),
    }
    assert events[0]["learning_rate"] == pytest.approx(5e-3)
    board = EventAccumulator(str(config.run_folder / "tensorboard"))
    board.Reload()
    scalars = board.Scalars("train/loss")
    assert [scalar.step for scalar in scalars] == [1, 3, 4]
    assert scalars[0].value == pytest.approx(events[0]["loss"])
    assert "train/gradient_norm" in board.Tags()["scalars"]


@pytest.mark.parametrize(
    ("stage", "precision"), [(0, "fp32"), (0, "bf16"), (2, "bf16"), (3, "bf16")]
)
def test_frozen_embeddings_come_out_as_they_went_in(
    tmp_path: Path, encoder: Path, stage: int, precision: str
) -> None:
    config = phase(
        *(tmp_path / "nli", encoder, "mnli"),
        **{"steps": 3, "zero_stage": stage, "precision": precision, "freeze_embeddings": True},
    )
    run(config)
    made = load_published(config.output)
    before = AutoModel.from_pretrained(encoder).embeddings.word_embeddings.weight
    assert torch.equal(made.encoder.embeddings.word_embeddings.weight, before)
    assert "word embeddings were not trained" in made.manifest.deviations


@pytest.mark.parametrize("stage", [0, 1, 3])
def test_phases_of_one_process_do_not_pile_up(tmp_path: Path, encoder: Path, stage: int) -> None:
    run(phase(tmp_path / "one", encoder, "mnli", steps=2, zero_stage=stage))
    before = bytes_in_tensors()
    run(phase(tmp_path / "two", encoder, "mnli", steps=2, zero_stage=stage))
    weights = (tmp_path / "two" / ENCODER_FILE).stat().st_size
    assert bytes_in_tensors() - before < weights / 10


def bytes_in_tensors() -> int:
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensors = [item for item in gc.get_objects() if isinstance(item, torch.Tensor)]
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


def test_mistakes_cost_nothing(tmp_path: Path, encoder: Path) -> None:
    config = phase(tmp_path / "nli", encoder, "mnli")
    too_long = dataclasses.replace(config, batch=dataclasses.replace(config.batch, max_length=129))
    with pytest.raises(UserError, match=r"batch\.max_length = 129 is more than tiny takes"):
        run(too_long)
    uneven = dataclasses.replace(config, batch=dataclasses.replace(config.batch, micro_batches=3))
    with pytest.raises(UserError, match="cannot be divided by 2 ranks"):
        train_phase(uneven, ProcessGroup(rank=0, world_size=2))
    with pytest.raises(UserError, match="no encoder folder"):
        run(dataclasses.replace(config, parent="no/such/folder"))
    assert not config.output.exists()
    assert not config.run_folder.exists()


def test_an_encoder_is_pretrained_from_scratch(tmp_path: Path, encoder: Path) -> None:
    configs = [
        dataclasses.replace(phase(tmp_path / name, encoder, "mlm", steps=2), from_scratch=True)
        for name in ("first", "again")
    ]
    other = dataclasses.replace(configs[0], output=tmp_path / "other", seed=2)
    for config in (*configs, other):
        run(config)
    assert digests(configs[0]) == digests(configs[1]) != digests(other)
    published = load_published(configs[0].output)
    assert published.manifest.encoder == "tiny from scratch"
    assert published.manifest.lineage[0].tasks == ("mlm",)
    given = load_encoder(str(encoder)).model.state_dict()
    learned = published.encoder.state_dict()
    matrices = [name for name, weight in given.items() if weight.dim() == 2 and len(weight) > 2]
    for name in matrices:
        # Two small steps away from the first weights, not from the parent's.
        assert float((learned[name] - given[name]).abs().mean()) > 0.01, name


def test_what_mlm_learns_is_what_it_is_trained_on(tmp_path: Path, encoder: Path) -> None:
    config = phase(tmp_path / "mlm", encoder, "mlm", steps=60)
    run(config)
    losses = [event["loss"] for event in train_events(config)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
