"""What everything cost."""

import json
from pathlib import Path

from dstilts.reporting.ledger import collect_evaluations, ledger_table, training_table
from dstilts.reporting.phases import collect_phases
from tests.reporting.record_builder import write_phase


def write_evaluation(runs: Path, **facts: object) -> None:
    event = {"event": "evaluation", "seconds": 1800, "workers": 2, "threads": 3, "device": "cpu"}
    event |= {"models": 2, "rows": 10, "tokens": 5000}
    with (runs / "evaluations.jsonl").open("a") as stream:
        stream.write(json.dumps(event | facts) + "\n")


def test_totals_of_training_and_evaluation_keep_units_apart(tmp_path: Path) -> None:
    write_phase(tmp_path, ["nli"], {"mnli": 300}, [(0, "start", 0), (7200, "train", 50)])
    write_phase(tmp_path, ["nli", "xnli"], {"mnli": 300}, [(0, "start", 0), (60, "train", 50)])
    write_evaluation(tmp_path)
    write_evaluation(tmp_path, models=1, seconds=3600)
    table = ledger_table(collect_phases(tmp_path), collect_evaluations(tmp_path))
    assert table is not None
    assert table.rows == (
        ("training, intermediate phases", "1", "2 h 00 min", "2.00 rank-hours", "360 k"),
        ("training, target phases", "1", "1 min 00 s", "0.017 rank-hours", "3.00 k"),
        ("evaluation, models", "3", "1 h 30 min", "9.00 core-hours", "10.0 k"),
        ("total", "", "3 h 31 min", "2.02 rank-hours, 9.00 core-hours", "373 k"),
    )


def test_what_was_not_recorded_is_said(tmp_path: Path) -> None:
    write_phase(tmp_path, ["nli"], {"mnli": 300}, [])
    table = ledger_table(collect_phases(tmp_path), [])
    assert table is not None
    assert table.rows[0] == ("training, intermediate phases", "1", *["not recorded"] * 3)
    write_phase(tmp_path, ["qa"], {"squad_v1": 300}, [(0, "start", 0), (60, "train", 50)])
    table = ledger_table(collect_phases(tmp_path), [])
    assert table is not None
    assert table.rows[0][2] == "1 min 00 s (1 not recorded)"
    assert ledger_table([], []) is None
    assert training_table([]) is None


def test_a_table_of_many_phases_is_folded_and_names_its_unit_once(tmp_path: Path) -> None:
    for number in range(25):
        spent = [(0.0, "start", 0.0), (36.0, "train", 50.0)]
        write_phase(tmp_path, [f"nli{number}"], {"mnli": 300}, spent)
    table = training_table(collect_phases(tmp_path))
    assert table is not None
    assert table.is_folded
    assert table.head[-1] == "rank-hours"
    assert {row[-1] for row in table.rows} == {"0.01"}
