"""The table at the end of an evaluation."""

import io
from pathlib import Path

from rich.console import Console

from dstilts.reporting.collect import read_record
from dstilts.reporting.scores_table import print_scores
from tests.reporting.record_builder import record, write_record


def test_every_score_with_its_split_and_subset(tmp_path: Path) -> None:
    scores = (("xnli", "de", 80.0), ("xnli", "sw", 61.0), ("xquad", "de", 70.0))
    tables = [record(*score, key="k") for score in scores]
    tables[0]["subset"] = "5 of 9, drawn with seed 1"
    tables[1]["split"] = "dev"
    records = [read_record(write_record(tmp_path, table), tmp_path) for table in tables]
    out = io.StringIO()
    groups = {"classification": ("xnli", "pawsx"), "tagging": ("udpos",)}
    print_scores(records, Console(file=out, width=20), groups)
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert lines[0] == ["none--xnli", "on", "phrasebook"]
    assert ["language", "accuracy", "F1"] in lines
    rows = {words[0]: words[1:] for words in reversed(lines) if words}
    assert rows["de"] == ["80.0", "70.0"]
    assert rows["sw"][0] == "61.0"
    assert rows["mean"] == ["70.5", "70.0"]
    text = out.getvalue()
    assert (
        "xnli: test; sw: dev; 500 examples a language; 5 of 9, drawn with seed 1; sw: all" in text
    )
    assert "xquad: test; 500 examples a language; all" in text
    assert "classification 70.5 (1 of 2 tasks); mean of the 2 tasks 70.2" in text
    assert "tagging" not in text


def test_subsets_that_differ_in_numbers_only_are_one(tmp_path: Path) -> None:
    subsets = {
        "de": "9 of 70, drawn with seed 1; joined from treebanks (r2.5)",
        "en": "9 of 1200, drawn with seed 1",
        "sw": "8 of 50, drawn with seed 1",
    }
    records = []
    for code, subset in subsets.items():
        table = {**record("udpos", code, 50.0, key="k"), "subset": subset}
        records.append(read_record(write_record(tmp_path, table), tmp_path))
    out = io.StringIO()
    print_scores(records, Console(file=out, width=20))
    said = "8 to 9 of 50 to 1,200, drawn with seed 1; de: 9 of 70, drawn with seed 1; joined from "
    assert f"{said}treebanks (r2.5)" in out.getvalue()
