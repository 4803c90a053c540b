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


def mixed(config: PhaseConfig, tasks_per_step: int) -> PhaseConfig:
    batch = dataclasses.replace(config.batch, tasks_per_step=tasks_per_step)
    return dataclasses.replace(config, batch=batch)


@pytest.mark.parametrize("fuse", [1, 2])
def test_ranks_share_a_step_without_overlap(config: PhaseConfig, fuse: int) -> None:
    work = plan(config).at(3)
    for world_size in (1, 2, 4 // fuse):
        shares = [work.of_rank(rank, world_size, fuse) for rank in range(world_size)]
        assert {len(share) for share in shares} == {4 // world_size // fuse}
        taken = [part.number for share in shares for parts in share for part in parts]
        assert sorted(taken) == [0, 1, 2, 3]


def test_ranks_at_different_heads_are_refused(config: PhaseConfig) -> None:
    made = plan(mixed(config, 4))
    step = next(s for s in range(20) if np.count_nonzero(made.at(s).counts) == 2)
    made.at(step).of_rank(0, 1)
    with pytest.raises(AssertionError, match="different heads"):
        made.at(step).of_rank(0, 4)


def test_counts_are_those_of_the_tensors(config: PhaseConfig) -> None:
    made = plan(config)
    for step in range(made.num_steps):
        work = made.at(step)
        rows = work.tasks[work.micro_batches[0].task]
        batches = [rows.batch([(part.rows, ())], 1) for part in work.micro_batches]
        if rows.kind == "tagging":
            labelled = sum(int((batch["labels"] != -100).sum()) for batch in batches)
        else:
            labelled = sum(len(batch["label"]) for batch in batches)
        assert work.counts.sum() == work.counts.max() == labelled
        assert all(part.weight == pytest.approx(1 / labelled) for part in work.micro_batches)
        assert work.num_tokens == sum(int(batch["attention_mask"].sum()) for batch in batches)
        assert work.num_padded_tokens == sum(batch["input_ids"].numel() for batch in batches)
        assert all(batch["input_ids"].numel() <= config.batch.tokens for batch in batches)


def test_a_steps_loss_is_the_mean_over_its_draws(config: PhaseConfig) -> None:
    scaled = (config.tasks[0], dataclasses.replace(config.tasks[1], loss_scale=0.5))
    made = plan(dataclasses.replace(mixed(config, 4), tasks=scaled))
    seen = set()
    for step in range(made.num_steps):
        work = made.at(step)
        drawn = np.bincount([part.task for part in work.micro_batches], minlength=2)
        for part in work.micro_batches:
            # A loss of 1 for each example makes a mean of 1 for each task.
            scale = (1.0, 0.5)[part.task]
            expected = scale * drawn[part.task] / 4 / work.counts[part.task]
            assert part.weight == pytest.approx(expected)
        seen.add(tuple(drawn))
    assert len(seen) > 2


def test_what_is_skipped_is_never_seen(config: PhaseConfig) -> None:
    tokenizer = load_encoder(config.parent).tokenizer
    sets = [made_up(use.task) for use in config.tasks]
    rows = token_rows(sets, tokenizer, config.batch, ProcessGroup())
    whole, behind = TrainingPlan(config, rows), TrainingPlan(config, rows, skipped=3)
    assert behind.num_steps == whole.num_steps == 20
    for step in (0, 5, 16):
        pairs = zip(whole.at(step + 3).micro_batches, behind.at(step).micro_batches, strict=True)
        assert all(a.task == b.task and np.array_equal(a.rows, b.rows) for a, b in pairs)
    behind.at(19)


def test_same_plan_again(config: PhaseConfig) -> None:
    one, two = plan(config), plan(config)
    for step in (19, 0, 7):
        pairs = zip(one.at(step).micro_batches, two.at(step).micro_batches, strict=True)
        assert all(a.task == b.task and np.array_equal(a.rows, b.rows) for a, b in pairs)


def test_an_epoch_sees_every_row_once(tmp_path: Path, encoder: Path) -> None:
    config = dataclasses.replace(
        phase(tmp_path / "out", encoder, "mnli"), schedule=ScheduleConfig(epochs=2)
    )
    made = plan(config)
    rows = [row for s in range(made.num_steps) for c in made.at(s).micro_batches for row in c.rows]
    seen = np.bincount(rows, minlength=120)
    assert set(seen) <= {2, 3}  # the last step may reach into the third epoch
    assert (seen == 3).sum() < 40


def test_a_cap_shortens_the_epoch_of_a_large_task(config: PhaseConfig) -> None:
    schedule = ScheduleConfig(epochs=1)
    whole = plan(dataclasses.replace(config, schedule=schedule), 400, 40).num_steps
    mixture = MixtureConfig(kind="capped", cap=40)
    capped = plan(dataclasses.replace(config, schedule=schedule, mixture=mixture), 400, 40)
    assert capped.num_steps < whole / 3
    drawn = {capped.at(step).micro_batches[0].task for step in range(capped.num_steps)}
    assert drawn == {0, 1}


def test_windows_without_the_answer_are_not_computed(tmp_path: Path, encoder: Path) -> None:
    config = phase(tmp_path / "out", encoder, "squad_v1")
    short = dataclasses.replace(config, batch=dataclasses.replace(config.batch, max_length_span=32))
    task = plan(short).tasks[0]
    assert len(task.rows) < len(task.table)
    starts = np.asarray(task.table["start"])
    assert (starts[task.rows] >= 0).all()
    assert (np.delete(starts, task.rows) == -100).all()
