"""The comparison with the paper as a table."""

from pathlib import Path

from dstilts.reporting.collect import collect_records
from dstilts.reporting.paper_table import paper_table
from dstilts.reporting.tables import build_sections
from dstilts.reporting.text_table import TextTable
from dstilts.tasks.catalog import TASKS
from tests.reporting.record_builder import record, write_record

ENCODER = "FacebookAI/xlm-roberta-large"


def table(runs: Path) -> TextTable | None:
    (section,) = build_sections(collect_records(runs))
    return paper_table(section, [])


def test_what_can_be_compared_comes_first_and_the_rest_says_why_not(tmp_path: Path) -> None:
    for code in TASKS["xnli"].languages:
        changes = {"encoder": ENCODER, "source": "local", "num_examples": 5010}
        write_record(tmp_path, record("xnli", code, 80.0, **changes))
        value = record("pawsx", code, 90.0, **changes)
        write_record(tmp_path, {**value, "subset": "100 of 2000"})
    found = table(tmp_path)
    assert found is not None
    xnli = [row for row in found.rows if row[0] == "XNLI" and "Table 16" in row[2]]
    (line,) = [row for row in xnli if row[3] == "accuracy, avg15, test"]
    assert line[1] == "none"
    assert line[4].startswith("yes")
    assert line[5:] == ("80.0", "79.2", "+0.8")
    answers = [row[4].partition(" ")[0].rstrip(":") for row in found.rows]
    assert answers == sorted(answers, reverse=True)  # yes before no
    assert f"{answers.count('yes')} of {len(answers)} lines can be compared" in found.lead
    assert all("a subset: 100 of 2000" in row[4] for row in found.rows if row[0] == "PAWS-X")


def test_nothing_published_is_no_table(tmp_path: Path) -> None:
    write_record(tmp_path, record("xnli", "af", 80.0))
    assert table(tmp_path) is None
