"""The shipped DeepSpeed files are what the code makes, and DeepSpeed starts each of them."""

import json
from pathlib import Path

import pytest
import torch

from dstilts.core.errors import UserError
from dstilts.core.process_group import ProcessGroup
from dstilts.engine.deepspeed_config import check_division, deepspeed_config, shipped_configs
from dstilts.engine.phase import BatchConfig, EngineConfig, ScheduleConfig
from dstilts.engine.setup import start_processes

FOLDER = Path(__file__).resolve().parents[2] / "ds_configs"
FILES = sorted(shipped_configs())


def test_files_are_products_of_the_code() -> None:
    on_disk = {path.name: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
    assert on_disk == shipped_configs(), "python -m dstilts.engine.deepspeed_config ds_configs"


@pytest.mark.parametrize("name", FILES)
def test_deepspeed_starts_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import deepspeed
    from deepspeed.accelerator import get_accelerator

    # Processors compute in fp16, if slowly; DeepSpeed would not let them.
    monkeypatch.setattr(get_accelerator(), "is_fp16_supported", lambda: True)
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
    # In fp16 the first steps are left out, until the scale of the loss has come down.
    for _ in range(40 if "fp16" in name else 4):
        loss = engine(rows).float().square().sum()
        engine.backward(loss)
        engine.step()
        losses.append(loss.item())
    assert losses[0] == losses[1] != losses[-1]  # two micro-batches a step
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
    assert make(3)["train_batch_size"] == 6
    with pytest.raises(UserError, match=r"batch\.micro_batches = 6 cannot be divided by 4 ranks"):
        make(4)


def test_each_drawn_task_is_divided(tmp_path: Path) -> None:
    batch = BatchConfig(micro_batches=8, tasks_per_step=2)
    check_division(batch, 4)
    check_division(batch, 2, fuse=2)
    with pytest.raises(UserError, match="8 for each of 2 tasks cannot be divided by 4 ranks in pa"):
        check_division(batch, 4, fuse=2)


def test_the_users_own_settings(tmp_path: Path) -> None:
    def make(settings: object) -> dict:
        file = tmp_path / "own.json"
        file.write_text(json.dumps(settings))
        engine = EngineConfig(zero_stage=2, deepspeed=file)
        return deepspeed_config(ScheduleConfig(), BatchConfig(), engine, world_size=2, device="cpu")

    zero = {"stage": 2, "reduce_bucket_size": 1000, "round_robin_gradients": True}
    made = make({"zero_optimization": zero, "train_batch_size": "auto", "comms_logger": {}})
    assert made["zero_optimization"].items() >= zero.items()
    assert made["comms_logger"] == {}
    assert made["train_batch_size"] == 4
    # What is shipped can be taken as it is.
    shipped = json.loads((FOLDER / "zero2-fp32-cpu.json").read_text())
    assert make(shipped) == shipped
    with pytest.raises(UserError, match=r"zero_optimization\.stage = 3 contradicts .* 2"):
        make({"zero_optimization": {"stage": 3}})
    with pytest.raises(UserError, match="train_batch_size = 64 contradicts"):
        make({"train_batch_size": 64})
    with pytest.raises(UserError, match="bf16 must be a JSON object"):
        make({"bf16": True})
