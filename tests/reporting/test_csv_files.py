"""The CSV files hold what the tables are made of."""

import csv
import json
from pathlib import Path
from statistics import fmean

import pytest

from dstilts.reporting.contents import gather
from dstilts.reporting.csv_files import effects_csv, scores_csv
from tests.reporting.record_builder import record, write_record
from tests.reporting.score_builder import write_scored


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_the_grid_can_be_rebuilt_from_the_scores(tmp_path: Path) -> None:
    for intermediate, gain in (("none", 0.0), ('a,"b"', 2.5)):
        for seed in (1, 2):
            for code, score in (("en", 80.125), ("de", 61.5)):
                value = record("xquad", code, score + gain, intermediate=intermediate, seed=seed)
                write_record(
                    tmp_path, {**value, "model": {**value["model"], "key": f"{gain}{seed}"}}
                )
    report = gather(tmp_path)
    (part,) = report.parts
    found = rows(scores_csv([part.section]))
    assert len(found) == 2 * 2 * 2 * 2  # F1 and exact match
    for line in part.grid:
        main = [
            float(row["value"])
            for row in found
            if row["intermediate"] == line.row.name and row["is_main"] == "1"
        ]
        (cell,) = line.cells
        assert cell.value
        assert fmean(main) == pytest.approx(cell.value.mean, abs=1e-12)
    one = next(row for row in found if row["is_main"] == "1" and row["language"] == "en")
    assert (one["metric"], one["value"], one["chance"]) == ("f1", "80.125", "9.0")
    assert (one["low"], one["high"], one["level"]) == ("77.125", "82.125", "0.9")
    assert json.loads(one["versions"])["torch"] == "2.13.0"
    assert (tmp_path / one["file"]).is_file()


def test_a_failed_record_has_a_row_without_a_value(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", None))
    write_record(tmp_path, record("xnli", "en", 80))
    sections = [part.section for part in gather(tmp_path).parts]
    found = {row["language"]: row["value"] for row in rows(scores_csv(sections))}
    assert found == {"de": "", "en": "80.0"}


def test_effects_have_a_row_each_for_cells_languages_means_and_groups(tmp_path: Path) -> None:
    for intermediate, right in (("none", 60), ("mnli", 80)):
        for seed in (1, 2):
            for code in ("en", "de"):
                answers = [1] * (right + seed) + [0] * (100 - right - seed)
                write_scored(tmp_path, "xnli", code, answers, intermediate=intermediate, seed=seed)
    report = gather(tmp_path)
    found = rows(effects_csv(report.parts))
    assert [row["language"] for row in found if row["task"]] == ["", "de", "en"]
    means = [(row["target"], row["grouping"], row["group"]) for row in found if not row["task"]]
    assert means[:3] == [
        ("mean", "", ""),
        ("mean", "family", "English (trained on)"),
        ("mean", "family", "Indo-European"),
    ]
    assert [float(row["delta"]) for row in found] == pytest.approx([20] * len(found))
    whole = found[0]
    assert (whole["intermediate"], whole["task"], whole["seeds"]) == ("mnli", "xnli", "1 2")
    assert float(whole["delta"]) == pytest.approx(20)
    assert float(whole["low"]) < 20 < float(whole["high"])
    assert 0 <= float(whole["p"]) <= float(whole["p_holm"]) <= 1
