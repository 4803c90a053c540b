"""The shipped DeepSpeed files are what the code makes, and DeepSpeed starts each of them."""

import json
from pathlib import Path

import pytest
import torch

from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.deepspeed_config import deepspeed_config, shipped_configs
from dstilts.engine.phase import BatchConfig, EngineConfig, ScheduleConfig
from dstilts.engine.setup import start_processes

FOLDER = Path(__file__).resolve().parents[2] / "ds_configs"
FILES = sorted(shipped_configs())


def test_files_are_products_of_the_code() -> None:
    on_disk = {path.name: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
    assert on_disk == shipped_configs(), "python -m dstilts.engine.deepspeed_config ds_configs"


@pytest.mark.parametrize("name", FILES)
def test_deepspeed_starts_it(name: str) -> None:
    import deepspeed

    start_processes(ProcessGroup(), 5.0)
    settings = json.loads((FOLDER / name).read_text())
    del settings["train_batch_size"]  # of two ranks; here is one
    model = torch.nn.Linear(4, 1)
    engine, *_ = deepspeed.initialize(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=0.1),
        config=settings,
        dist_init_required=False,
    )
    weight = next(engine.module.parameters())
    rows = torch.ones(1, 4, dtype=weight.dtype)
    losses = []
    for _ in range(4):
        loss = engine(rows).float().square().sum()
        engine.backward(loss)
        engine.step()
        losses.append(loss.item())
    assert losses[0] == losses[1] != losses[2]  # two micro-batches a step
    engine.destroy()


def test_clipping_is_always_written_down() -> None:
    # Left out, DeepSpeed would clip at 1.0.
    config = deepspeed_config(
        ScheduleConfig(clip_norm=0.0), BatchConfig(), EngineConfig(), world_size=1, device="cpu"
    )
    assert config["gradient_clipping"] == 0.0


def test_ranks_divide_the_micro_batches() -> None:
    def make(world_size: int) -> dict:
        return deepspeed_config(
            ScheduleConfig(),
            BatchConfig(micro_batches=6),
            EngineConfig(),
            world_size=world_size,
            device="cpu",
        )

    assert make(3)["gradient_accumulation_steps"] == 2
    with pytest.raises(UserError, match=r"batch\.micro_batches = 6 cannot be divided by 4 ranks"):
        make(4)
