"""A study's files: what is kept of a run, what a report makes of it, and mistakes."""

import json
from pathlib import Path

import pytest

from dstilts.cli.main import main
from dstilts.core.config import write_config
from dstilts.core.errors import UserError
from dstilts.studies import run
from dstilts.studies.registry import study
from dstilts.studies.run import SETTINGS as SETTINGS_FILE
from dstilts.studies.run import report_study
from dstilts.studies.scaling import grids
from dstilts.studies.scores import StudyCell, collect_scores, read_cells, write_cells
from tests.studies.made_runs import write_runs
from tests.studies.test_scaling import LANGUAGES, SETTINGS


def finished(folder: Path) -> list[StudyCell]:
    """A scaling study as `dstilts study run` leaves it."""

    def planted(cell: StudyCell, task: str, language: str) -> float:
        size = cell.row.rpartition("-")[2]
        return 34.0 if cell.row == "none" else 30.0 + 0.001 * int(size) + len(cell.key) % 3

    cells = write_runs(folder, SETTINGS, grids(SETTINGS), LANGUAGES, planted)
    write_config(folder / SETTINGS_FILE, SETTINGS)
    write_cells(folder, cells)
    return cells


def test_a_report_writes_four_files_that_stand_alone(tmp_path: Path) -> None:
    finished(tmp_path)
    result = report_study(study("scaling"), tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert result.question in page
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org", "").replace(
        "http://purl.org", ""
    ).replace("http://creativecommons.org", "")
    assert "src=" not in page
    assert len(page) < 300_000
    numbers = json.loads((tmp_path / "result.json").read_text())["numbers"]
    assert numbers["xnli: points per doubling"]["low"] is not None
    text = (tmp_path / "answer.md").read_text()
    assert all(line in text for line in result.limits)
    assert (tmp_path / "figure.svg").read_text().startswith("<?xml")
    # Written again it is the same.
    report_study(study("scaling"), tmp_path)
    assert (tmp_path / "report.html").read_text() == page


def test_cells_are_kept_as_they_are(tmp_path: Path) -> None:
    cells = finished(tmp_path)
    assert list(read_cells(tmp_path)) == cells


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no finished study here"):
        report_study(study("scaling"), tmp_path)
    cells = finished(tmp_path)
    for file in (tmp_path / "records" / cells[0].key).iterdir():
        file.unlink()
    with pytest.raises(UserError, match="no records of none x xnli on xnli"):
        collect_scores(tmp_path, cells)


def test_missing_packages_are_named_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs scipy and matplotlib; pip install"):
        report_study(study("scaling"), tmp_path)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "ls"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("specialised", "domainshift", "codeswitch"))
    finished(tmp_path)
    assert main(["study", "report", "scaling", "--output", str(tmp_path)]) == 0
    assert "What this cannot show:" in capsys.readouterr().out
    assert main(["study", "run", "scalling"]) == 2
    assert "did you mean 'scaling'" in capsys.readouterr().err
    assert main(["study", "report", "scaling", "--output", str(tmp_path / "none")]) == 2
