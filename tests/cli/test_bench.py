"""`dstilts bench`: what its options become, and its mistakes."""

from pathlib import Path
from typing import Any

import pytest

from dstilts.bench import farm, farm_report, memory, train
from dstilts.bench.comparison import Comparison
from dstilts.bench.farm import FarmPlan
from dstilts.bench.memory import MemoryPlan
from dstilts.cli.main import main


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would have been run: the arguments of the two measurements."""
    seen: list[Any] = []
    settings = {"encoder": "e", "shape": None, "precision": "fp32", "num_examples": 1}
    settings |= {"num_steps": 1, "batch_size": 1, "offload": "none"}
    machine = {"gpus": [], "cpu": "a processor", "threads": 2, "matmul_flops": 1e9}
    found = {"settings": settings, "machine": machine, "tasks": {}, "rows": []}

    def note(*arguments: Any) -> dict[str, Any]:
        seen.extend(arguments)
        return found

    monkeypatch.setattr(train, "compare", note)
    monkeypatch.setattr(memory, "measure_memory", note)
    monkeypatch.setattr(farm, "measure_farm", note)
    monkeypatch.setattr(farm_report, "table_lines", lambda result: [])
    return seen


def test_train_leaves_the_defaults_alone(asked: list[Any]) -> None:
    assert main(["bench", "train"]) == 0
    assert asked == [Comparison(), Path("bench-train.json"), None]


def test_train_takes_options_and_keys(asked: list[Any]) -> None:
    words = "--data d --tasks qqp --sides dstilts,torch --examples 64 --batch-size 16 --ranks 1,2"
    words += " --held-out 9 --rounds 3 --threads 4 --precision bf16 --encoder-shape large --seed 5"
    words += " --learning-rate 1e-4 --out o.json --work w engine.zero_stage=2 engine.fuse=0"
    assert main(["bench", "train", *words.split()]) == 0
    expected = Comparison(
        tasks=("qqp",),
        sides=("dstilts", "torch"),
        shape="large",
        data=Path("d"),
        num_examples=64,
        num_held_out=9,
        batch_size=16,
        rounds=3,
        ranks=(1, 2),
        threads=4,
        precision="bf16",
        learning_rate=1e-4,
        seed=5,
        overrides=("engine.zero_stage=2", "engine.fuse=0"),
    )
    assert asked == [expected, Path("o.json"), Path("w")]


def test_help_tells_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    defaults = Comparison()
    for number in (defaults.num_examples, defaults.batch_size, defaults.rounds, *defaults.ranks):
        assert f"(default: {number})" in text
    assert float(text.split("--learning-rate RATE default: ")[1].split()[0]) == (
        defaults.learning_rate
    )


def test_farm_takes_options(asked: list[Any]) -> None:
    words = "--data d --tasks xnli,panx --languages de --one-in 9 --workers 1,3 --threads 2"
    assert main(["bench", "farm", *words.split(), "--rounds", "3", "--precision", "bf16"]) == 0
    plan = FarmPlan(
        data=Path("d"),
        tasks=("xnli", "panx"),
        languages=("de",),
        one_in=9,
        workers=(1, 3),
        threads=2,
        rounds=3,
        precision="bf16",
    )
    assert asked == [plan, Path("bench-farm.json"), None]


def test_farm_tells_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "farm", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    plan = FarmPlan()
    for number in (plan.one_in, plan.rounds):
        assert f"(default: {number})" in text
    assert f"--workers N,... default: {','.join(map(str, plan.workers))}" in text


def test_memory_takes_options(asked: list[Any]) -> None:
    words = "--stages 0,3 --ranks 2 --precision bf16 --offload optimizer --out o.json"
    assert main(["bench", "memory", *words.split()]) == 0
    plan = MemoryPlan(stages=(0, 3), ranks=(2,), precision="bf16", offload="optimizer")
    assert asked == [plan, Path("o.json"), None]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["trian"], "did you mean 'train'?"),
        (["train", "--task", "mnli"], "did you mean '--tasks'?"),
        (["train", "--tasks", "xnli"], "unknown task of the comparison 'xnli'"),
        (["train", "--sides", "trainer"], "unknown side 'trainer'"),
        (["train", "--examples", "100"], "no multiple of --batch-size 32"),
        (["train", "--data", "no/such/folder"], "no/such/folder"),
        (["train", "--encoder", "no/such/encoder"], "no encoder folder 'no/such/encoder'"),
        (["train", "seed=3"], "'seed' cannot be set here"),
        (["train", "--encoder-shape", "huge"], "unknown shape 'huge'"),
        (["train", "--ranks", "1,x"], "'x' is no number above 0"),
        (["memory", "--stages", "4"], "'4' are no stages of ZeRO"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    problem: str,
) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem in line
    assert not list(tmp_path.glob("*.json"))
