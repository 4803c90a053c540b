"""What changed since an earlier report."""

from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.reporting.changes import change_tables, find_changes, summary
from dstilts.reporting.contents import gather
from dstilts.reporting.report import write_report
from tests.reporting.record_builder import record, write_record


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    for code in ("en", "de"):
        write_record(folder, record("xnli", code, 60))
        write_record(folder, record("pawsx", code, 70))
    write_report(gather(folder), tmp_path / "yesterday")
    return folder


def test_new_changed_and_gone_cells_are_told_apart(runs: Path, tmp_path: Path) -> None:
    write_record(runs, record("xnli", "de", 63))
    write_record(runs, record("udpos", "de", 50))
    for file in runs.glob("records/*/pawsx.*"):
        file.unlink()
    page = write_report(gather(runs), tmp_path / "today", since=tmp_path / "yesterday")
    text = page.read_text()
    assert "Since the report in yesterday: 1 new cell, 1 changed cell, 1 no longer there" in text
    assert '<a href="../yesterday/report.html">The earlier report</a>' in text
    assert "<td>60.0</td><td>61.5</td><td>+1.5</td><td>1</td>" in text
    markdown = page.with_name("report.md").read_text()
    assert "| xnli | XNLI | 60.0 | 61.5 | +1.5 | 1 |" in markdown
    assert "| udpos | UD POS |  | 50.0 |  | 1 |" in markdown
    assert "| pawsx | PAWS-X | 70.0 |  |  | 2 |" in markdown


def test_the_same_records_are_no_change(runs: Path, tmp_path: Path) -> None:
    scores = (tmp_path / "yesterday" / "scores.csv").read_text()
    found = find_changes(tmp_path / "yesterday" / "scores.csv", scores, tmp_path / "today")
    assert found.changes == ()
    assert summary(found) == "Nothing changed since the report in yesterday."
    assert change_tables(found) == []


def test_a_report_in_the_same_place_is_compared_and_not_linked(runs: Path) -> None:
    write_report(gather(runs))
    write_record(runs, record("xnli", "de", 62))
    text = write_report(gather(runs), since=runs).read_text()
    assert "1 changed cell" in text
    assert "The earlier report" not in text


def test_what_is_no_report_is_refused(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere.*no such file"):
        write_report(gather(runs), since=tmp_path / "nowhere")
    broken = tmp_path / "broken.csv"
    broken.write_text("is_main,value\n1,x\n")
    with pytest.raises(UserError, match=r"broken\.csv: not the scores of a report"):
        write_report(gather(runs), tmp_path / "today", since=broken)
    assert not (tmp_path / "today").exists()
