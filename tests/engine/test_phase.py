"""The phase file: its defaults, its checks, its key."""

import dataclasses
from pathlib import Path

import pytest

from dstilts.core.config import load_config, write_config
from dstilts.core.errors import UserError
from dstilts.engine.phase import PhaseConfig, TaskUse

SMALLEST = """
name = "nli"
role = "intermediate"
output = "models/nli"
tasks = [{task = "mnli"}]
"""


def load(tmp_path: Path, text: str, *overrides: str) -> PhaseConfig:
    file = tmp_path / "phase.toml"
    file.write_text(text)
    return load_config(PhaseConfig, file, overrides)


def test_the_smallest_file_is_the_papers_procedure(tmp_path: Path) -> None:
    config = load(tmp_path, SMALLEST)
    assert config.tasks == (TaskUse("mnli"),)
    schedule = config.schedule
    assert (schedule.learning_rate, schedule.warmup_share, schedule.weight_decay) == (
        1e-5,
        0.1,
        0.01,
    )
    assert (schedule.clip_norm, schedule.adam_epsilon) == (1.0, 1e-8)
    assert config.engine.precision == "fp32"
    assert not config.engine.freeze_embeddings
    assert config.mixture.kind == "proportional"
    assert config.run_folder == Path("models/nli.run")


def test_reads_what_it_wrote(tmp_path: Path) -> None:
    config = load(tmp_path, SMALLEST, "schedule.steps=7", "engine.zero_stage=3", "seed=4")
    write_config(tmp_path / "again.toml", config)
    assert load_config(PhaseConfig, tmp_path / "again.toml") == config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("engine.zero_stage=4", r"engine\.zero_stage"),
        ("engine.precison=bf16", r"did you mean 'engine\.precision'"),
        ("engine.log_every=0", r"engine\.log_every must be greater than 0"),
        ("schedule.learning_rate=0.0", r"schedule\.learning_rate must be greater than 0"),
        ("schedule.warmup_share=1.5", r"schedule\.warmup_share must be from 0 to 1"),
        ("batch.tokens=0", r"batch\.tokens must be greater than 0"),
        ("tasks=[]", "tasks must not be empty"),
        ('tasks=[{task="mnli"},{task="mnli"}]', "tasks must have different names"),
        ("mixture.kind=explicit", "tasks must all have a weight"),
        ('tasks=[{task="mnli",weight=1.0}]', "none otherwise"),
        ("mixture.kind=capped", r"mixture\.cap must be given"),
        ("mixture.cap=10", r"mixture\.cap must not be given"),
        ("data.source=local", r"data\.folder must be given"),
        ("data.folder=there", r"data\.folder must not be given"),
        ("role=middle", "role"),
    ],
)
def test_mistakes_are_named_by_their_key(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(tmp_path, SMALLEST, override)


def test_key_is_of_what_is_computed(tmp_path: Path) -> None:
    config = load(tmp_path, SMALLEST)
    assert dataclasses.replace(config, output=Path("elsewhere")).model_key == config.model_key
    assert dataclasses.replace(config, seed=2).model_key != config.model_key
    assert dataclasses.replace(config, key="given").model_key == "given"
