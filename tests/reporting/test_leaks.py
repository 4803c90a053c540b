"""The table of shared texts."""

import json
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.reporting.leaks import collect_leaks, leak_table


def overlap(training: str, evaluation: str, language: str, exact: int, leaks: bool) -> object:
    return {
        "training": training,
        "evaluation": evaluation,
        "split": "test",
        "language": language,
        "num_examples": 100,
        "exact": exact,
        "runs": 2 * exact,
        "leaks": leaks,
    }


def test_pairs_that_leak_come_first_and_those_that_share_nothing_are_only_counted(
    tmp_path: Path,
) -> None:
    found = [
        overlap("mnli", "xnli", "de", 1, False),
        overlap("mnli", "xnli", "en", 0, False),
        overlap("qqp", "xnli", "en", 0, False),
        overlap("squad_v1", "xquad", "en", 40, True),
        overlap("squad_v1", "xquad", "de", 1, False),
    ]
    for folder in ("a", "b"):  # the same comparison, stored twice
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "leakage.json").write_text(json.dumps(found))
    table = leak_table(collect_leaks(tmp_path))
    assert table is not None
    assert "5 pairs" in table.lead
    assert "1 of them leak" in table.lead
    assert table.rows == (
        ("SQuAD v1.1", "XQuAD", "English", "2 sets", "200", "41", "82"),
        ("MultiNLI", "XNLI", "no", "2 sets", "200", "1", "2"),
    )


def test_without_a_comparison_there_is_no_table_and_a_broken_one_is_named(tmp_path: Path) -> None:
    assert leak_table(collect_leaks(tmp_path)) is None
    (tmp_path / "leakage.json").write_text('[{"training": "mnli"}]')
    with pytest.raises(UserError, match=r"leakage\.json: not a list of overlaps"):
        collect_leaks(tmp_path)
