"""Trial passes of a real model: what they measure, and that nothing of them stays."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dstilts.core.process_group import ProcessGroup
from dstilts.engine.batches import BatchMaker
from dstilts.engine.data import heads_of, token_rows
from dstilts.engine.fuse import choose, search
from dstilts.engine.pass_trial import PeakMeter, heaviest, pass_trial
from dstilts.engine.phase import PhaseConfig
from dstilts.engine.plan import TrainingPlan
from dstilts.models.encoder import load_encoder
from dstilts.models.multitask import MultiTaskModel
from tests.distributed.phases import made_up, phase

MIB = 1 << 20
CPU = torch.device("cpu")


def prepared(
    encoder: Path, precision: str = "fp32"
) -> tuple[MultiTaskModel, TrainingPlan, BatchMaker, PhaseConfig]:
    config = phase(encoder / "out", encoder, "mnli", "mlm", steps=5, precision=precision)
    bundle = load_encoder(str(encoder))
    sets = [made_up(use.task) for use in config.tasks]
    rows = token_rows(sets, bundle.tokenizer, config.batch, ProcessGroup())
    model = MultiTaskModel(bundle.model, heads_of(sets), 1)
    return model, TrainingPlan(config, rows), BatchMaker(1, bundle.tokenizer.pad_token_id), config


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_nothing_of_a_trial_stays(encoder: Path, precision: str) -> None:
    model, plan, batches, config = prepared(encoder, precision)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    with pass_trial(model.eval(), plan, batches, config, CPU) as passes:
        trials = search([1, 2, 4], passes, 1 << 40, ProcessGroup())
    assert choose(trials) in (1, 2, 4)
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    after = model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_the_heaviest_pass_is_as_padded_as_it_gets(encoder: Path) -> None:
    model, plan, batches, config = prepared(encoder)
    with pass_trial(model, plan, batches, config, CPU) as passes:
        for fuse in (1, 2, 4):
            longest = max(
                int(rows.lengths[chosen].max() * len(chosen))
                for step in range(plan.num_steps)
                for parts in plan.at(step).of_rank(0, 1, fuse)
                for rows in [plan.tasks[parts[0].task]]
                for chosen in [np.concatenate([part.rows for part in parts])]
            )
            assert passes.num_tokens(fuse) >= longest
            # All four micro-batches of a step in one pass: more than their budgets.
            assert fuse == 1 or passes.num_tokens(fuse) > fuse * 100


def test_rows_that_fill_a_budget() -> None:
    lengths = np.array([10, 60, 48, 50, 10, 50])
    # One row of 60 leaves much of 100 tokens free; two of 50 leave nothing.
    chosen = heaviest(lengths, 100, 1)
    assert sorted(chosen.tolist()) == [3, 5]
    assert heaviest(lengths, 100, 2).tolist() == [3, 5, 2, 0]
    # A row longer than the budget stands alone; too few rows are repeated.
    assert heaviest(np.array([7]), 5, 3).tolist() == [0, 0, 0]


def test_a_peak_is_seen_after_it_has_passed() -> None:
    meter = PeakMeter(CPU)
    for size in (64, 192, 96):
        meter.reset()
        torch.ones(size * MIB, dtype=torch.uint8)
        # The process's own needs between may come on top.
        assert size * MIB - 8 * MIB <= meter.read() <= size * MIB + 32 * MIB


def test_memory_that_was_freed_but_kept_hides_no_peak() -> None:
    def small_tensors() -> list[torch.Tensor]:
        return [torch.ones(64 << 10, dtype=torch.uint8) for _ in range(1024)]

    before = small_tensors()
    # The last one holds the rest in the process.
    pin = before.pop()
    del before
    meter = PeakMeter(CPU)
    meter.reset()
    small_tensors()
    assert meter.read() >= 48 * MIB
    assert len(pin)
