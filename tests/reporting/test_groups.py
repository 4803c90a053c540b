"""Deltas by groups of languages."""

from pathlib import Path

from dstilts.reporting.collect import collect_records
from dstilts.reporting.groups import group_tables
from dstilts.reporting.tables import build_sections
from dstilts.reporting.text_table import TextTable
from tests.reporting.record_builder import record, write_record

GAINS = {"en": 10, "de": 1, "nl": 3, "ja": -4}


def tables(runs: Path) -> dict[str, TextTable]:
    (section,) = build_sections(collect_records(runs))
    return {table.slug: table for table in group_tables(section)}


def write(runs: Path, task: str, row: str, gains: dict[str, int]) -> None:
    for code, gain in gains.items():
        score = 50.0 + (gain if row != "none" else 0)
        write_record(runs, record(task, code, score, intermediate=row))


def test_a_group_is_a_mean_over_its_languages_then_over_targets(tmp_path: Path) -> None:
    for row in ("none", "mnli"):
        write(tmp_path, "xnli", row, GAINS)
        write(tmp_path, "pawsx", row, {"de": 5, "ja": 0})
    families = tables(tmp_path)["by-family"]
    assert families.head == ("family", "languages", "targets", "mnli")
    assert families.rows == (
        ("English (trained on)", "en", "1", "+10.0"),
        ("Indo-European", "de, nl", "2", "+3.5"),  # (1 + 3) / 2, then with 5
        ("Japonic", "ja", "2", "\u22122.0"),
    )
    # The colour is full at the end of the scale, 10 points.
    assert families.shades == ((0, 0, 0, 100), (0, 0, 0, 35), (0, 0, 0, -20))


def test_distances_go_from_near_to_far(tmp_path: Path) -> None:
    for row in ("none", "mnli"):
        write(tmp_path, "xnli", row, GAINS)
    rows = tables(tmp_path)["by-distance"].rows
    assert [row[1] for row in rows] == ["en", "de, nl", "ja"]
    assert [row[0] for row in rows][1:] == ["0.25 to 0.5", "0.5 and over"]


def test_a_mean_over_fewer_targets_is_missing(tmp_path: Path) -> None:
    for row in ("none", "mnli", "qqp"):
        write(tmp_path, "xnli", row, GAINS)
        if row != "qqp":
            write(tmp_path, "pawsx", row, {"de": 5})
    rows = {row[0]: row[3:] for row in tables(tmp_path)["by-family"].rows}
    assert rows["Indo-European"] == ("+3.5", "missing")
    assert rows["Japonic"] == ("\u22124.0", "\u22124.0")


def test_a_mean_over_fewer_languages_is_missing(tmp_path: Path) -> None:
    write(tmp_path, "xnli", "none", GAINS)
    write(tmp_path, "xnli", "mnli", {code: gain for code, gain in GAINS.items() if code != "nl"})
    rows = {row[0]: row[3] for row in tables(tmp_path)["by-family"].rows}
    assert rows["Indo-European"] == "missing"
    assert rows["Japonic"] == "\u22124.0"


def test_without_a_baseline_there_are_no_groups(tmp_path: Path) -> None:
    write(tmp_path, "xnli", "mnli", GAINS)
    assert tables(tmp_path) == {}
