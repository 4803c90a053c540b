"""TOML to frozen dataclasses: strict keys, types, overrides, and the way back."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from dstilts.core.config import load_config, write_config
from dstilts.core.errors import UserError


@dataclass(frozen=True)
class Schedule:
    learning_rate: float = 1e-5
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be greater than 0")


@dataclass(frozen=True)
class Use:
    task: str
    weight: float | None = None


@dataclass(frozen=True)
class Config:
    name: str
    tasks: tuple[Use, ...] = ()
    languages: tuple[str, ...] = ()
    stage: Literal[0, 1, 2, 3] = 1
    fused: bool = True
    output: Path = Path("out")
    schedule: Schedule = field(default_factory=Schedule)
    sizes: dict[str, int] = field(default_factory=dict)


def load(tmp_path: Path, text: str, *overrides: str) -> Config:
    path = tmp_path / "phase.toml"
    path.write_text(text)
    return load_config(Config, path, overrides)


def test_values_and_defaults(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        'name = "x"\nlanguages = ["en", "no"]\n'
        '[schedule]\nlearning_rate = 1\n[[tasks]]\ntask = "mnli"\n',
    )
    assert config.languages == ("en", "no")
    assert config.schedule == Schedule(learning_rate=1.0)
    assert isinstance(config.schedule.learning_rate, float)
    assert config.tasks == (Use("mnli"),)


def test_overrides_stand_above_the_file(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        'name = "x"\n',
        "schedule.learning_rate=3e-5",
        "name=default",
        'languages=["de","no"]',
        "stage=3",
    )
    assert (config.schedule.learning_rate, config.name, config.stage) == (3e-5, "default", 3)
    assert config.languages == ("de", "no")


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ('name = "x"\n[schedule]\nlearning_rat = 1', (), "did you mean 'schedule.learning_rate'?"),
        ('name = "x"\nstages = 1', (), "did you mean 'stage'?"),
        ("stage = 1", (), "key 'name' is missing"),
        ('name = "x"\nstage = 4', (), "unknown value for stage '4'"),
        ('name = "x"\n[schedule]\nlearning_rate = "fast"', (), "must be a number, not 'fast'"),
        ('name = "x"\n[schedule]\nsteps = true', (), "schedule.steps must be an integer"),
        (
            'name = "x"\n[schedule]\nlearning_rate = -1.0',
            (),
            "schedule.learning_rate must be greater",
        ),
        ('name = "x"\nlanguages = "en"', (), "languages must be a list"),
        ('name = "x"\n[[tasks]]\nweight = 1', (), "key 'tasks[0].task' is missing"),
        ('name = "x"', ("seed",), "not of the form key=value"),
        ('name = "x"', ("scheduel.steps=2",), "unknown key 'scheduel'"),
    ],
)
def test_mistakes_name_the_key(
    tmp_path: Path, text: str, overrides: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        load(tmp_path, text, *overrides)
    assert message in str(caught.value)
    if not overrides:
        assert "phase.toml" in str(caught.value)


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"phase\.toml:2: broken TOML"):
        load(tmp_path, 'name = "x"\nstage = = 1\n')


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_config(Config, tmp_path / "none.toml")
    with pytest.raises(UserError, match="is a folder"):
        load_config(Config, tmp_path)


def test_written_config_reads_back_equal(tmp_path: Path) -> None:
    config = Config(
        name='quo"te\\back\nline',
        tasks=(Use("mnli", 0.5), Use("squad_v1")),
        languages=("no", "en"),
        stage=2,
        fused=False,
        output=Path("runs/a b"),
        schedule=Schedule(2.5e-6, 7),
        sizes={"a.b": 3},
    )
    write_config(tmp_path / "out.toml", config, comment="made for a test")
    assert load_config(Config, tmp_path / "out.toml") == config
