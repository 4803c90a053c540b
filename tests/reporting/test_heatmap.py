"""The heat map: order, scales, flags."""

from pathlib import Path

import pytest

from dstilts.reporting.collect import collect_records
from dstilts.reporting.heatmap import HeatMap, build_heatmap, delta_scale, score_scale
from dstilts.reporting.tables import build_sections
from tests.reporting.record_builder import record, write_record


@pytest.fixture
def heatmap(tmp_path: Path) -> HeatMap:
    scores = {
        "none": {"ar": 52, "de": 60, "es": 70, "sw": 30},
        "mnli": {"ar": 50, "de": 64, "es": None, "sw": 40},
    }
    for intermediate, by_language in scores.items():
        for code, score in by_language.items():
            write_record(tmp_path, record("xnli", code, score, intermediate=intermediate))
    section = build_sections(collect_records(tmp_path))[0]
    return build_heatmap(section, section.columns[0])


def test_columns_stand_by_family_and_branch(heatmap: HeatMap) -> None:
    assert [family.name for family in heatmap.families] == [
        "Afro-Asiatic",
        "Indo-European",
        "Niger-Congo",
    ]
    branches = heatmap.families[1].branches
    assert [(b.name, b.languages) for b in branches] == [
        ("Germanic", ("de",)),
        ("Romance", ("es",)),
    ]
    assert heatmap.families[1].divided
    assert not heatmap.families[0].divided
    assert [box.language for box in heatmap.rows[0].boxes] == ["ar", "de", "es", "sw"]


def test_chance_is_flagged(heatmap: HeatMap) -> None:
    assert heatmap.chance == pytest.approx([100 / 3] * 4)
    assert heatmap.rows[0].at_chance == ["Swahili"]
    assert heatmap.rows[1].at_chance == []
    assert heatmap.at_chance == [("none", "Swahili")]
    assert heatmap.has_chance


def test_a_failed_language_is_missing(heatmap: HeatMap) -> None:
    box = heatmap.rows[1].boxes[2]
    assert box.score is None
    assert box.delta is None
    assert box.records == ()
    assert heatmap.has_missing


def test_shades_follow_the_scales(heatmap: HeatMap) -> None:
    assert (heatmap.low, heatmap.high, heatmap.delta_limit) == (30, 70, 10)
    assert [box.shade for box in heatmap.rows[0].boxes] == [55, 75, 100, 0]
    assert [box.delta_shade for box in heatmap.rows[1].boxes] == [-20, 40, 0, 100]


@pytest.mark.parametrize(
    ("scores", "scale"),
    [
        ([], (0, 100)),
        ([61, 78], (60, 80)),
        ([100, 100], (90, 100)),
        ([0.0, 2], (0, 10)),
        ([0.0], (0, 10)),
    ],
)
def test_score_scale(scores: list[float], scale: tuple[float, float]) -> None:
    assert score_scale(scores) == scale


def test_delta_scale() -> None:
    assert [delta_scale(d) for d in ([], [0.3], [-4.0, 1], [99.9])] == [2, 2, 5, 100]


def test_rows_at_chance_in_the_same_languages_are_said_together(tmp_path: Path) -> None:
    for row, english in (("none", 20), ("mnli", 20), ("qqp", 70), ("ccg", 70)):
        write_record(tmp_path, record("xnli", "en", english, intermediate=row))
        write_record(tmp_path, record("xnli", "de", 30, intermediate=row))
    section = build_sections(collect_records(tmp_path))[0]
    heatmap = build_heatmap(section, section.columns[0])
    assert heatmap.at_chance == [
        ("none and mnli", "all of 2 languages"),
        ("ccg and qqp", "German"),
    ]
