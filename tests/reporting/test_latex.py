"""The LaTeX document: what it says, and as far as can be seen without TeX, that it compiles."""

import re
from pathlib import Path

import pytest

from dstilts.reporting.contents import gather
from dstilts.reporting.latex import escape, table, to_latex
from dstilts.reporting.text_table import TextTable
from tests.reporting.record_builder import record, write_phase, write_record

FOLDED = r">{\raggedright\arraybackslash}p{55mm}"


@pytest.fixture
def document(tmp_path: Path) -> str:
    for intermediate in ("none", "50%_{a}&b#$~^\\"):
        for code, score in (("en", 80), ("de", 61)):
            value = record(
                "xnli", code, score, intermediate=intermediate, key=str(len(intermediate))
            )
            write_record(tmp_path, value)
    write_record(tmp_path, record("pawsx", "en", None, intermediate="none"))
    for number in range(31):
        spent = [(0.0, "start", 0.0), (9.0, "train", 50.0)]
        write_phase(tmp_path, [f"nli_{number}"], {"mnli": 400}, spent)
    return to_latex(gather(tmp_path))


def test_environments_and_braces_are_closed(document: str) -> None:
    opened: list[str] = []
    for verb, name in re.findall(r"\\(begin|end)\{(\w+)\}", document):
        if verb == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    labels = re.findall(r"\\label\{(.*?)\}", document)
    assert len(labels) == len(set(labels)) > 4
    plain = re.sub(r"\\\\|\\[{}]", "", document)
    assert plain.count("{") == plain.count("}") > 0
    assert document.startswith("\\documentclass")
    assert document.endswith("\\end{document}\n")


def test_every_row_has_the_columns_that_its_table_declares(document: str) -> None:
    tables = re.findall(
        r"\\begin\{(?:tabular|longtable)\}\{(.*)\}\n((?s:.*?))\\end\{(?:tabular|longtable)\}",
        document,
    )
    assert len(tables) > 4
    for declared, body in tables:
        columns = declared.replace(FOLDED, "l")
        assert set(columns) <= {"l", "r"}
        rows = [line for line in body.splitlines() if " & " in line]
        assert len(rows) > 1
        for row in rows:
            assert len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1, row
            assert row.endswith(r" \\")


def test_no_letter_of_a_name_is_a_command(document: str) -> None:
    assert r"50\%\_\{a\}\&b\#\$\textasciitilde{}\textasciicircum{}\textbackslash{}" in document
    body = document[document.index(r"\begin{document}") :]
    assert not re.search(
        r"(?<![\\%{])%|(?<!\\)[#_]", body.replace("{!}{%", "").replace("tab:s1-grid", "")
    )
    assert document.isascii()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\u22121.5 \u00b1\u00a00.3", "$-$1.5 $\\pm$~0.3"),
        ("a < b", "a \\textless{} b"),
        ("caf\u00e9", "caf\u00e9"),
        ("\u4e2d", "?"),
    ],
)
def test_letters_that_latex_lacks_are_written(text: str, written: str) -> None:
    assert escape(text) == written


def test_wide_words_are_folded_and_numbers_never() -> None:
    rows = (("a" * 60, "short", "1" * 60),)
    text = table(TextTable("t", "A title", "", ("a", "b", "c"), rows, num_words=2))
    assert f"\\begin{{tabular}}{{{FOLDED}lr}}" in text


def test_a_long_table_goes_over_pages_and_keeps_its_head() -> None:
    rows = tuple((str(number), "1") for number in range(40))
    text = table(TextTable("t", "A title", "What it is.", ("name", "value"), rows))
    assert r"\begin{longtable}{lr}" in text
    assert text.index("name & value") < text.index(r"\endhead") < text.index("39 & 1")
    assert r"\caption{A title. What it is.}" in text
