"""`dstilts score`: what it prints and writes, and its exit codes."""

import json
import shutil
from pathlib import Path

import pytest

from dstilts.cli.main import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for language in "de en es fr ja ko zh".split():
        for side, content in (("labels", "1\n0\n"), ("predictions", "1\n1\n")):
            path = tmp_path / side / "pawsx" / f"test-{language}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    return tmp_path


def run(folder: Path, *options: str) -> int:
    return main(
        ["score", str(folder / "predictions"), "--labels", str(folder / "labels"), *options]
    )


def test_prints_languages_tasks_groups_and_what_is_missing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "predictions/pawsx/test-ko.tsv").unlink()
    assert run(folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "pawsx  score 50.00000",
        "  mean  accuracy 50.00000  (6 languages)",
        "  de    accuracy 50.00000",
    ]
    assert "  missing languages: ko" in lines
    assert "classification  tasks are missing" in lines
    assert "overall         tasks are missing  (XTREME)" in lines
    assert lines[-1].startswith("missing, or not in all languages: pawsx xnli udpos ")


def test_the_json(folder: Path) -> None:
    out = folder / "new/scores.json"
    assert run(folder, "--json", str(out)) == 0
    table = json.loads(out.read_text())
    languages = {code: {"accuracy": 50.0} for code in "de en es fr ja ko zh".split()}
    assert table == {
        "tasks": {"pawsx": {"languages": languages, "average": {"accuracy": 50.0}, "score": 50.0}},
        "groups": {},
        "overall": None,
        "missing": "xnli udpos panx xquad mlqa tydiqa bucc2018 tatoeba".split(),
    }


def test_the_benchmark_can_be_chosen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--benchmark", "xtreme-r") == 0
    out = capsys.readouterr().out
    assert "pawsx  score 50.00000  (not one of XTREME-R's tasks)" in out
    assert "(XTREME-R)" in out


@pytest.mark.data
def test_the_official_mock_data(data_folder: Path, tmp_path: Path) -> None:
    mock = data_folder / "format_samples/xtreme_mock_test_data"
    out = tmp_path / "scores.json"
    assert run(mock, "--json", str(out)) == 0
    table = json.loads(out.read_text())
    assert table["missing"] == []
    assert table["overall"] == pytest.approx(62.17320, abs=1e-5)
    assert set(table["groups"]) == {"classification", "tagging", "qa", "retrieval"}
    assert table["tasks"]["udpos"]["average"]["f1"] == pytest.approx(70.21746, abs=1e-5)
    assert table["tasks"]["mewslix"]["score"] == pytest.approx(14.39025, abs=1e-5)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("a line less", "predictions/pawsx/test-de.tsv:1: 1 lines where "),
        ("unknown task", "predictions/pawsy: unknown task of a benchmark 'pawsy'; did you mean "),
        (
            "no labels",
            "predictions/pawsx/test-de.tsv: no labels for these predictions; put them at ",
        ),
        ("no folder", "predictions: no such folder"),
        ("not UTF-8", "predictions/pawsx/test-de.tsv:1: not UTF-8"),
        ("out is a folder", "labels: cannot be written: Is a directory; give another --json"),
        ("unknown benchmark", "invalid choice: 'xtreem'"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: str, problem: str
) -> None:
    file = folder / "predictions/pawsx/test-de.tsv"
    options = []
    match damage:
        case "a line less":
            file.write_text("1\n")
        case "unknown task":
            (folder / "predictions/pawsy").mkdir()
        case "no labels":
            shutil.rmtree(folder / "labels/pawsx")
        case "no folder":
            shutil.rmtree(folder / "predictions")
        case "not UTF-8":
            file.write_bytes(b"\xff\n1\n")
        case "out is a folder":
            options = ["--json", str(folder / "labels")]
        case "unknown benchmark":
            options = ["--benchmark", "xtreem"]
    assert run(folder, *options) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert problem in line
    assert captured.out == ""
