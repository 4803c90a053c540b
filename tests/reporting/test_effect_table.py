"""Effects in words and numbers."""

from pathlib import Path

import pytest

from dstilts.reporting.cells import Estimate
from dstilts.reporting.collect import collect_records
from dstilts.reporting.effect_table import change, effect_table
from dstilts.reporting.effects import Effect, Effects
from dstilts.reporting.notes import caveats
from dstilts.reporting.tables import Section, build_sections
from tests.reporting.record_builder import record, write_record

SURE = Effect(2.34, 1.0, 3.68, 0.0004, 0.012, (1, 2), 1.9)
UNSURE = Effect(-0.5, -1.25, 0.25, 0.2, 0.4, (1, 2), 2.5, flagged=("mnli, seed 3: collapsed",))
UNTESTED = Effect(1.0, None, None, None, None, (1,), None, note="one seed")


@pytest.fixture
def section(tmp_path: Path) -> Section:
    for row in ("none", "mnli"):
        for seed in (1, 2):
            for task in ("xnli", "pawsx", "udpos"):
                write_record(tmp_path, record(task, "en", 60, intermediate=row, seed=seed))
    (found,) = build_sections(collect_records(tmp_path))
    return found


def test_each_effect_has_a_line_and_remarks_only_where_there_are_some(section: Section) -> None:
    xnli, pawsx, udpos = section.columns
    found = {("mnli", xnli): SURE, ("mnli", pawsx): UNSURE, ("mnli", udpos): UNTESTED}
    table = effect_table(section, Effects(found))
    assert table is not None
    sure, unsure, untested = table.rows
    low = "\u22121.2 to +0.2"
    assert sure[3:] == ("+2.3", "+1.0 to +3.7", "< 0.001", "0.012", "yes", "2", "1.9")
    assert unsure[2:] == (
        "mnli, seed 3: collapsed",
        "\u22120.5",
        low,
        "0.200",
        "0.400",
        "no",
        "2",
        "2.5",
    )
    assert untested[2:] == ("one seed", "+1.0", "", "", "", "", "1", "")
    short = effect_table(section, Effects({("mnli", xnli): SURE}))
    assert short is not None
    assert "remarks" not in short.head
    assert len(short.head) == len(short.rows[0]) == 9
    assert effect_table(section, Effects()) is None


def test_a_change_is_the_effects_or_else_the_deltas() -> None:
    assert change(Estimate(9, 1), SURE) == "+2.3 [+1.0 to +3.7]*"
    assert change(Estimate(9, 1), UNTESTED) == "+1.0"
    assert change(Estimate(9, 1), None) == "+9.0 \u00b1\u00a01.0"
    assert change(None, None) == ""


def test_limits_say_what_was_tested(section: Section) -> None:
    xnli, pawsx, udpos = section.columns
    found = {("mnli", xnli): SURE, ("mnli", pawsx): UNSURE, ("mnli", udpos): UNTESTED}
    lines = " ".join(caveats(section, Effects(found)))
    assert "1 of 2 differences tested significant. Half of the cells need 2.2 points" in lines
    assert "No test was made" in " ".join(caveats(section))
