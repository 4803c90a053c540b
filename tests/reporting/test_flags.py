"""Failed and collapsed runs are named."""

import json
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.reporting.collect import collect_records
from dstilts.reporting.flags import collect_failed_nodes, run_flags, score_flags
from dstilts.reporting.phases import collect_open_runs, collect_phases
from dstilts.reporting.tables import build_sections
from tests.reporting.record_builder import record, write_phase, write_record

LANGUAGES = ("en", "de", "sw")


def test_failed_and_collapsed_evaluations(tmp_path: Path) -> None:
    for seed, scores in ((1, (90, 80, 70)), (2, (33, 33, 30)), (3, (90, None, 70))):
        for code, score in zip(LANGUAGES, scores, strict=True):
            write_record(tmp_path, record("xnli", code, score, seed=seed))
    for seed in (1, 2):
        for code in LANGUAGES:
            write_record(tmp_path, record("pawsx", code, 50, intermediate="mnli", seed=seed))
    (section,) = build_sections(collect_records(tmp_path))
    table = score_flags(section)
    assert table is not None
    assert table.rows == (
        ("none on XNLI", "3", "no score in German"),
        ("none on XNLI", "2", "at chance in English, where another seed is not; in no mean"),
        ("mnli on PAWS-X", "1, 2", "at or below chance in all of 3 languages"),
    )


def test_nothing_to_flag_is_no_table(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "en", 80))
    (section,) = build_sections(collect_records(tmp_path))
    assert score_flags(section) is None
    assert run_flags([], []) is None


def test_runs_without_a_model_and_models_that_learnt_nothing(tmp_path: Path) -> None:
    spent = [(0.0, "start", 0.0), (10.0, "train", 50.0)]
    write_phase(tmp_path, ["nli"], {"mnli": 9}, spent, at_chance="the loss is that of guessing")
    (write_phase(tmp_path, ["qa"], {"squad_v1": 9}, spent) / "manifest.json").unlink()
    table = run_flags(collect_phases(tmp_path), collect_open_runs(tmp_path))
    assert table is not None
    assert table.rows == (
        ("nli", "1", "learnt nothing: the loss is that of guessing"),
        ("models/qa", "", "no model published; the last step logged is 3"),
    )


def test_nodes_that_failed_say_why_and_stand_for_their_run(tmp_path: Path) -> None:
    def outcome(key: str, done: bool, *reasons: str) -> None:
        value = {"key": key, "title": f"train {key}", "done": done}
        value["failures"] = [{"reason": reason, "time": 1.0} for reason in reasons]
        (tmp_path / "nodes" / f"{key}.json").write_text(json.dumps(value))

    (tmp_path / "nodes").mkdir()
    outcome("a1", False, "no memory", "no disk")
    outcome("b2", True, "no memory")
    outcome("c3", False)
    spent = [(0.0, "start", 0.0), (10.0, "train", 50.0)]
    for name in ("nli-s1-a1", "nli-s1-c3"):
        (write_phase(tmp_path, [name], {"mnli": 9}, spent) / "manifest.json").unlink()
    table = run_flags([], collect_open_runs(tmp_path), collect_failed_nodes(tmp_path))
    assert table is not None
    assert table.rows == (
        ("train a1", "", "failed, 2 attempts: no disk"),
        ("models/nli-s1-c3", "", "no model published; the last step logged is 3"),
    )
    (tmp_path / "nodes" / "d4.json").write_text("[]")
    with pytest.raises(UserError, match=r"d4\.json: not a node's outcome"):
        collect_failed_nodes(tmp_path)
