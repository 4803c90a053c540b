"""The grid, the other metrics and the zero-shot gap."""

from pathlib import Path

import pytest

from dstilts.reporting.collect import collect_records
from dstilts.reporting.grid import build_grid, gap_columns, gap_table, metric_tables
from dstilts.reporting.tables import Section, build_sections
from tests.reporting.record_builder import record, write_record


@pytest.fixture
def section(tmp_path: Path) -> Section:
    """Two rows, two columns; in one cell a language failed."""
    scores = {
        ("none", "xnli"): {"en": 80, "de": 60, "sw": 30},
        ("mnli", "xnli"): {"en": 82, "de": 66, "sw": 40},
        ("none", "tatoeba"): {"de": 90, "sw": 50},
        ("mnli", "tatoeba"): {"de": 80, "sw": None},
    }
    for (intermediate, task), by_language in scores.items():
        for code, score in by_language.items():
            write_record(tmp_path, record(task, code, score, intermediate=intermediate))
    return build_sections(collect_records(tmp_path))[0]


def test_means_and_deltas(section: Section) -> None:
    none, mnli = build_grid(section)
    assert none.cells[0].value is not None
    assert none.cells[0].value.mean == pytest.approx(170 / 3)
    assert none.cells[0].delta is None
    assert mnli.cells[0].delta is not None
    assert mnli.cells[0].delta.mean == pytest.approx(6)
    assert none.cells[0].at_chance == 1
    assert mnli.cells[0].highest
    assert not none.cells[0].highest


def test_an_incomplete_cell_says_so_and_enters_no_mean(section: Section) -> None:
    none, mnli = build_grid(section)
    cell = mnli.cells[1]
    assert (cell.languages, cell.expected, cell.complete) == (1, 2, False)
    assert cell.delta is not None
    assert cell.delta.mean == pytest.approx(-10)
    assert not cell.highest
    assert mnli.mean is None
    assert mnli.mean_delta is None
    assert none.mean is not None
    assert none.mean.mean == pytest.approx((170 / 3 + 70) / 2)


def test_every_other_metric_has_its_table(section: Section) -> None:
    (table,) = metric_tables(section)
    assert table.column.task == "tatoeba"
    assert table.metrics == ("accuracy", "accuracy, xx to en")
    assert [value.mean for value in table.rows[0][1] if value] == [70, 68]


def test_zero_shot_gap_only_where_there_is_english(section: Section) -> None:
    assert [column.task for column in gap_columns(section)] == ["xnli"]
    gaps = [value.mean for _, (value,) in gap_table(section) if value]
    assert gaps == pytest.approx([35, 29])
