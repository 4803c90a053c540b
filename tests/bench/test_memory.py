"""Live tensors of a real engine beside the formula, and the table of them."""

import json
from pathlib import Path

import pytest
import torch

from dstilts.bench.memory import MemoryPlan, measure_memory, table_lines
from dstilts.bench.memory_rank import live_bytes


class FakeEngine:
    """An engine of one linear layer without ZeRO, after a step of AdamW and a backward pass."""

    def __init__(self) -> None:
        self.module = torch.nn.Linear(100, 10, bias=False)
        self.optimizer = torch.optim.AdamW(self.module.parameters())
        for _ in range(2):
            self.module(torch.ones(2, 100)).sum().backward()
            self.optimizer.step()


def test_every_storage_counts_once_and_where_it_belongs() -> None:
    engine = FakeEngine()
    engine.view = engine.module.weight.data[:5]
    found = live_bytes(engine)
    assert found.num_trained == 1000
    assert (found.parameters, found.gradients, found.master_weights) == (4000, 4000, 0)
    assert found.moments == 8000
    assert found.total == 16_000


def test_what_is_neither_state_nor_gradient_is_told_apart() -> None:
    engine = FakeEngine()
    before = live_bytes(engine)
    buffer = torch.zeros(1_000_000)
    after = live_bytes(engine)
    assert after.others - before.others >= buffer.nbytes
    assert after.total == before.total


@pytest.mark.distributed
def test_stages_are_near_the_formula(tmp_path: Path, encoder: Path) -> None:
    out = tmp_path / "memory.json"
    # Stage 3 keeps parameters of this size whole on every rank: the tiny encoder is no test of it.
    plan = MemoryPlan(stages=(1, 2), ranks=(2,), encoder=str(encoder))
    result = measure_memory(plan, out, tmp_path / "work")
    assert json.loads(out.read_text()) == json.loads(json.dumps(result))
    assert [(row["stage"], row["ranks"]) for row in result["rows"]] == [(1, 2), (2, 2)]
    for row in result["rows"]:
        assert row["ratio"] == pytest.approx(1, abs=0.1)
        for part, expected in row["formula"].items():
            # A parameter at the border of two ranks' parts has its gradient on both of them.
            assert row["measured"][part] == pytest.approx(expected, rel=0.2), (row["stage"], part)
    one, two = (row["measured"]["gradients"] for row in result["rows"])
    # The parameter at the border is a tenth of so small a model.
    assert two < 0.6 * one
    assert len(table_lines(result)) == 4
