"""Records are read whole, and what is broken is named."""

import json
import math
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.reporting.collect import Interval, collect_records
from tests.reporting.record_builder import record, write_record


def test_records_are_found_anywhere_below_the_folder(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", 60.0))
    write_record(tmp_path / "deep" / "er", record("xnli", "fr", 61.0, intermediate="mnli"))
    (tmp_path / "records" / "none-xnli-1" / ".xnli.sw.test.json.x.tmp").write_text("{")
    found = collect_records(tmp_path)
    assert [r.language for r in found] == ["fr", "de"]
    assert found[0].file == "deep/er/records/mnli-xnli-1/xnli.fr.test.json"
    assert found[0].lineage[0].tasks == ("mnli",)
    assert found[1].metrics == {"accuracy": 60.0}


def test_records_of_before_there_were_intervals(tmp_path: Path) -> None:
    old = {**record("xnli", "de", 60.0), "schema": 1}
    del old["interval"], old["bootstrap"]
    write_record(tmp_path, old)
    write_record(tmp_path, record("xnli", "fr", 60.0))
    found = collect_records(tmp_path)
    assert [r.interval for r in found] == [None, Interval(57.0, 62.0, 0.9)]


def test_a_record_cut_off_in_the_middle_is_named(tmp_path: Path) -> None:
    file = write_record(tmp_path, record("xnli", "de", 60.0))
    file.write_text(file.read_text()[:100])
    with pytest.raises(UserError, match=r"xnli\.de\.test\.json:1: broken JSON"):
        collect_records(tmp_path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema": 9}, "schema 9"),
        ({"schema": None}, "no schema"),
        ({"model": []}, "model is"),
        ({"num_examples": "many"}, "num_examples is 'many', not int"),
        ({"task": None}, "no task"),
        ({"interval": {"accuracy": [1.0]}}, r"interval is \[1.0\], not two numbers"),
        ({"bootstrap": {}}, "no bootstrap.level"),
    ],
)
def test_what_is_no_record_is_named(
    tmp_path: Path, change: dict[str, object], problem: str
) -> None:
    write_record(tmp_path, record("xnli", "de", 60.0))
    file = tmp_path / "records" / "none-xnli-1" / "xnli.fr.test.json"
    file.write_text(json.dumps({**record("xnli", "fr", 60.0), **change}))
    with pytest.raises(UserError, match=problem) as raised:
        collect_records(tmp_path)
    assert raised.value.file == str(file)


def test_a_list_is_no_record(tmp_path: Path) -> None:
    file = write_record(tmp_path, record("xnli", "de", 60.0))
    file.write_text("[]")
    with pytest.raises(UserError, match="no JSON object"):
        collect_records(tmp_path)


def test_no_folder_and_no_records(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        collect_records(tmp_path / "absent")
    with pytest.raises(UserError, match="no records"):
        collect_records(tmp_path)


def test_a_score_that_is_no_number_is_a_missing_one(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "de", math.nan))
    write_record(tmp_path, {**record("xnli", "fr", 1.0), "metrics": None})
    assert [dict(r.metrics) for r in collect_records(tmp_path)] == [{}, {}]


def test_a_source_may_be_its_whole_identity(tmp_path: Path) -> None:
    identity = {"name": "phrasebook", "edition": 2}
    write_record(tmp_path, record("xnli", "de", 60.0, source=identity))
    assert collect_records(tmp_path)[0].source == "phrasebook (edition 2)"


def test_what_was_not_trained_has_no_seed(tmp_path: Path) -> None:
    write_record(tmp_path, record("tatoeba", "de", 60.0, seed=3))
    assert collect_records(tmp_path)[0].seed is None
