"""`dstilts tasks`: what its verbs print, and their exit codes."""

from pathlib import Path

import pytest

from dstilts.cli.main import main
from dstilts.tasks.catalog import TASKS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSTILTS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "data/xnli/dev-de.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("a\tb\tneutral\n")
    return tmp_path / "data"


def test_ls_has_a_line_a_task(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "ls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["task", *TASKS]
    assert main(["tasks", "ls", "--data", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (xnli,) = [line for line in lines if line.startswith("xnli ")]
    assert xnli.split("  ")[-1] == "CC BY-NC 4.0"
    assert "- / 2,490 / 5,010" in xnli
    assert "0 / 1 / 0" in xnli


def test_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "show", "xnli", "--data", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "  published - / 2,490 / 5,010 (train/dev/test)" in out
    assert "  dev   de        1 examples\n" in out
    assert main(["tasks", "show", "anli_plus"]) == 0
    assert "made of   anli mnli snli" in capsys.readouterr().out
    assert main(["tasks", "show", "ccg", "--data", str(folder)]) == 0
    assert "labels    those of the training set" in capsys.readouterr().out
    (folder / "xnli/dev-de.tsv").write_text("a\n")
    assert main(["tasks", "show", "xnli", "--data", str(folder)]) == 0
    assert "dev   de  broken: " in capsys.readouterr().out


def test_validate_ends_with_2_and_a_line_for_each_bad_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["tasks", "validate", "--data", str(folder), "--processes", "1"]
    assert main(command) == 0
    assert "xnli           dev   1: de\n" in capsys.readouterr().out
    (folder / "xnli/dev-fr.tsv").write_text("a\n")
    (folder / "xnli/dev-en.tsv").write_bytes(b"\xff\tb\tneutral\n")
    assert main(command) == 2
    captured = capsys.readouterr()
    assert "1 files" not in captured.err
    assert captured.err.splitlines() == [
        f"dstilts: {folder}/xnli/dev-en.tsv:1: not UTF-8 (byte 0 of the line)",
        f"dstilts: {folder}/xnli/dev-fr.tsv:1: 1 columns where 3 are expected",
    ]
    assert main(["tasks", "validate", "--data", str(folder / "none")]) == 2
