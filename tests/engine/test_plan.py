"""The plan of a phase: counts, shares of ranks, lengths of epochs."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dstilts.core.process_group import ProcessGroup
from dstilts.engine.data import token_rows
from dstilts.engine.phase import MixtureConfig, PhaseConfig, ScheduleConfig
from dstilts.engine.plan import TrainingPlan
from dstilts.models.encoder import load_encoder
from tests.distributed.phases import made_up, phase


def plan(config: PhaseConfig, *numbers: int) -> TrainingPlan:
    tokenizer = load_encoder(config.parent).tokenizer
    sizes = numbers or (120,) * len(config.tasks)
    sets = [made_up(use.task, size) for use, size in zip(config.tasks, sizes, strict=True)]
    return TrainingPlan(config, token_rows(sets, tokenizer, config.batch, ProcessGroup()))


@pytest.fixture
def config(tmp_path: Path, encoder: Path) -> PhaseConfig:
    return phase(tmp_path / "out", encoder, "mnli", "udpos")


def test_ranks_share_a_step_without_overlap(config: PhaseConfig) -> None:
    work = plan(config).at(3)
    for world_size in (1, 2, 4):
        shares = [work.of_rank(rank, world_size) for rank in range(world_size)]
        assert {len(share) for share in shares} == {4 // world_size}
        taken = sorted((n, tuple(rows)) for share in shares for n, rows in share)
        assert taken == [(n, tuple(rows)) for n, rows in enumerate(work.micro_batches)]


def test_counts_are_those_of_the_tensors(config: PhaseConfig) -> None:
    made = plan(config)
    for step in range(made.num_steps):
        work = made.at(step)
        batches = [work.task.batch(chosen, 1) for chosen in work.micro_batches]
        if work.task.kind == "tagging":
            labelled = sum(int((batch["labels"] != -100).sum()) for batch in batches)
        else:
            labelled = sum(len(batch["label"]) for batch in batches)
        assert work.loss_count == labelled
        assert work.num_tokens == sum(int(batch["attention_mask"].sum()) for batch in batches)
        assert work.num_padded_tokens == sum(batch["input_ids"].numel() for batch in batches)
        assert all(batch["input_ids"].numel() <= config.batch.tokens for batch in batches)


def test_same_plan_again(config: PhaseConfig) -> None:
    one, two = plan(config), plan(config)
    for step in (19, 0, 7):
        first, second = one.at(step), two.at(step)
        assert first.task.task == second.task.task
        pairs = zip(first.micro_batches, second.micro_batches, strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)


def test_an_epoch_sees_every_row_once(tmp_path: Path, encoder: Path) -> None:
    config = dataclasses.replace(
        phase(tmp_path / "out", encoder, "mnli"), schedule=ScheduleConfig(epochs=2)
    )
    made = plan(config)
    rows = [row for s in range(made.num_steps) for c in made.at(s).micro_batches for row in c]
    seen = np.bincount(rows, minlength=120)
    assert set(seen) <= {2, 3}  # the last step may reach into the third epoch
    assert (seen == 3).sum() < 40


def test_a_cap_shortens_the_epoch_of_a_large_task(config: PhaseConfig) -> None:
    schedule = ScheduleConfig(epochs=1)
    whole = plan(dataclasses.replace(config, schedule=schedule), 400, 40).num_steps
    mixture = MixtureConfig(kind="capped", cap=40)
    capped = plan(dataclasses.replace(config, schedule=schedule, mixture=mixture), 400, 40)
    assert capped.num_steps < whole / 3
    drawn = [capped.at(step).task.task for step in range(capped.num_steps)]
    assert {"mnli", "udpos"} == set(drawn)


def test_windows_without_the_answer_are_not_computed(tmp_path: Path, encoder: Path) -> None:
    config = phase(tmp_path / "out", encoder, "squad_v1")
    short = dataclasses.replace(config, batch=dataclasses.replace(config.batch, max_length_span=32))
    task = plan(short).tasks[0]
    assert len(task.rows) < len(task.table)
    starts = np.asarray(task.table["start"])
    assert (starts[task.rows] >= 0).all()
    assert (np.delete(starts, task.rows) == -100).all()
