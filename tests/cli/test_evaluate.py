"""`dstilts evaluate`: what it takes, what it prints, and its exit codes."""

import json
from pathlib import Path

import pytest

from dstilts.cli.main import main
from dstilts.tasks.benchmarks import BENCHMARKS
from tests.evaluation.tiny_farm import publish_tiny


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))


def test_evaluates_and_prints_the_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = publish_tiny(tmp_path / "model")
    command = ["evaluate", str(model), "--tasks", "xnli,tatoeba", "--languages", "de"]
    assert main([*command, "--limit", "5", "--output", str(tmp_path / "runs")]) == 0
    captured = capsys.readouterr()
    files = [Path(line) for line in captured.out.split()]
    assert [file.name for file in files] == ["xnli.de.test.json", "tatoeba.de.test.json"]
    table = captured.err[captured.err.index("language") :]
    assert "xnli" in table
    assert "5 of " in table
    assert [json.loads(file.read_text())["num_examples"] for file in files] == [5, 5]


def test_a_benchmark_in_all_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = publish_tiny(tmp_path / "model")
    command = ["evaluate", str(model), "--tasks", "xtreme", "--langs", "de,sw", "--limit", "3"]
    assert main([*command, "--output", str(tmp_path / "runs")]) == 0
    captured = capsys.readouterr()
    tasks = {Path(line).name.split(".")[0] for line in captured.out.split()}
    assert {"xnli", "udpos", "xquad", "tatoeba"} <= tasks <= set(BENCHMARKS["xtreme"].tasks)
    assert "left out: " in captured.err
    assert "pawsx" in captured.err
    assert "retrieval" in captured.err
    assert "classification" in captured.err


def test_models_are_evaluated_as_they_are_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_tiny(tmp_path / "models" / "good", key="k1")
    broken = publish_tiny(tmp_path / "models" / "broken", key="k2")
    (broken / "heads.safetensors").write_bytes(b"")
    command = ["evaluate", "--watch", str(tmp_path / "models"), "--once", "--tasks", "xnli,pawsx"]
    output = tmp_path / "runs"
    assert main([*command, "--langs", "de", "--limit", "3", "--output", str(output)]) == 2
    captured = capsys.readouterr()
    assert [Path(line).parent.name for line in captured.out.split()] == ["k1"]
    assert captured.err.count("broken is not evaluated: ") == 1
    assert "left out: pawsx" in captured.err


def test_all_layers_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = publish_tiny(tmp_path / "model")
    command = ["evaluate", str(model), "--tasks", "tatoeba", "--languages", "de", "--limit", "9"]
    assert main([*command, "--layers", "all", "--output", str(tmp_path / "runs")]) == 0
    captured = capsys.readouterr()
    layers = json.loads(Path(captured.out.strip()).read_text())["layers"]
    assert (layers["chosen"], layers["reported"], len(layers["scores"])) == (None, 2, 3)
    said = "tatoeba in de: no dev set to choose a layer on, so 2, the last, stands; accuracy"
    assert said in captured.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--tasks", "xnl"], "unknown task 'xnl'; did you mean 'xnli'?"),
        (["--tasks", ","], "names separated by commas are needed"),
        (["--tasks", "xnli", "--languages", "xx"], "unknown language in the source"),
        (["--tasks", "xnli", "--once"], "--once with --watch only"),
        (["--tasks", "xnli", "--watch", "x"], "models or --watch RUNS_DIR are needed"),
        (["--tasks", "pawsx"], "no head 'pawsx'"),
        (["--tasks", "xnli", "--limit", "0"], "'0' is no number above 0"),
        (["--tasks", "tatoeba", "--layers", "most"], "'most' is no number of a layer, nor all"),
        (["--tasks", "xnli", "--data", "nowhere"], "nowhere: no such data folder"),
        (["--tasks", "xnli", "--split", "train"], "invalid choice: 'train'"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    model = publish_tiny(tmp_path / "model")
    output = tmp_path / "runs"
    assert main(["evaluate", str(model), *arguments, "--output", str(output)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem in line
    assert not output.exists()
