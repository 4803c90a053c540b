"""Every reader on small files: what it reads, and each defect by file, line and remedy."""

import gzip
import json
from pathlib import Path

import pytest

from dstilts.core.errors import UserError
from dstilts.tasks.catalog import task
from dstilts.tasks.examples import Answer, ChoiceExample, PairExample
from dstilts.tasks.readers.choices import read_commonsenseqa, read_socialiqa
from dstilts.tasks.readers.files import read_columns, read_lines
from dstilts.tasks.readers.pairs import (
    read_nli_jsonl,
    read_nli_tsv,
    read_pawsx_tsv,
    read_qqp_tsv,
)
from dstilts.tasks.readers.parallel import read_parallel
from dstilts.tasks.readers.spans import read_squad, read_squad_numbered
from dstilts.tasks.readers.tagging import read_tagging_tsv

NLI, PAWSX, QQP, QA, POS = map(task, ("xnli", "pawsx", "qqp", "squad_v1", "udpos"))
SOCIAL, COMMON = task("socialiqa"), task("commonsenseqa")


def write(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def squad(*questions: dict[str, object], context: str | None = "Ünä kam aus Rom .") -> str:
    paragraph = {"context": context, "qas": list(questions)}
    return json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]})


def question(name: str = "q", text: str = "Rom", start: int | None = 12) -> dict[str, object]:
    return {"id": name, "question": "?", "answers": [{"text": text, "answer_start": start}]}


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz"])
def test_nli_tsv_plain_and_packed(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, "A man .\tA boy .\tneutral\r\nB\tC\tentailment\n")
    assert read_nli_tsv(path, NLI) == [
        PairExample("1", "A man .", "A boy .", "neutral"),
        PairExample("2", "B", "C", "entailment"),
    ]


def test_published_without_labels(tmp_path: Path) -> None:
    assert read_nli_tsv(write(tmp_path, "a.tsv", "A\tB\n"), NLI)[0].label is None


def test_nli_jsonl_leaves_out_pairs_without_gold_label(tmp_path: Path) -> None:
    rows = [
        {"gold_label": "-", "sentence1": "a", "sentence2": "b"},
        {"gold_label": "neutral", "sentence1": "a", "sentence2": "c", "pairID": "7c"},
    ]
    path = write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert read_nli_jsonl(path, NLI) == [PairExample("7c", "a", "c", "neutral")]


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", "label\tsentence2\tid\tsentence1\n1\tb\t9\ta\n")
    assert read_pawsx_tsv(path, PAWSX) == [PairExample("9", "a", "b", "1")]


def test_lines_break_at_line_feeds_only(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "\ufeffone\u2028still one\u0085\nzwei\n")
    assert list(read_lines(path)) == [(1, "one\u2028still one\u0085"), (2, "zwei")]


def test_socialiqa_with_labels_inside_or_beside(tmp_path: Path) -> None:
    row = {"context": "c", "question": "q", "answerA": "x", "answerB": "y", "answerC": "z"}
    expected = [ChoiceExample("1", "c", "q", ("x", "y", "z"), 1)]
    inside = write(tmp_path, "inside.jsonl", json.dumps({**row, "correct": "B"}))
    assert read_socialiqa(inside, SOCIAL) == expected
    beside = write(tmp_path, "train.jsonl.gz", json.dumps(row))
    with pytest.raises(UserError, match=r"no labels; put train-labels\.lst beside it"):
        read_socialiqa(beside, SOCIAL)
    labels = write(tmp_path, "train-labels.lst", "2\n")
    assert read_socialiqa(beside, SOCIAL) == expected
    labels.write_text("2\n1\n")
    with pytest.raises(UserError, match="2 labels for 1 examples"):
        read_socialiqa(beside, SOCIAL)


def test_commonsenseqa_with_and_without_key(tmp_path: Path) -> None:
    choices = [{"label": letter, "text": letter.lower()} for letter in "ABCDE"]
    row = {"id": "i", "answerKey": "D", "question": {"stem": "s", "choices": choices}}
    path = write(tmp_path, "a.jsonl", json.dumps(row))
    assert read_commonsenseqa(path, COMMON) == [ChoiceExample("i", "", "s", tuple("abcde"), 3)]
    del row["answerKey"]
    assert read_commonsenseqa(write(tmp_path, "b.jsonl", json.dumps(row)), COMMON)[0].label is None


def test_choices_are_checked(tmp_path: Path) -> None:
    row = {"context": "c", "question": "q", "answerA": "x", "answerB": "y", "answerC": "z"}
    path = write(tmp_path, "a.jsonl", json.dumps({**row, "correct": "D"}))
    with pytest.raises(UserError, match=r"a\.jsonl:1: unknown label 'D'; known: A, B, C"):
        read_socialiqa(path, SOCIAL)
    write(tmp_path, "b-labels.lst", "1\n4\n")
    path = write(tmp_path, "b.jsonl", f"{json.dumps(row)}\n{json.dumps(row)}\n")
    with pytest.raises(UserError, match=r"b-labels\.lst:2: unknown label '4'; known: 1, 2, 3"):
        read_socialiqa(path, SOCIAL)
    choices = [{"label": letter, "text": letter.lower()} for letter in "ABCDE"]
    for changed, message in (
        ({"answerKey": "F"}, "c:1: unknown label 'F'; known: A, B, C, D, E"),
        (
            {"question": {"stem": "s", "choices": choices[:4]}},
            "c:1: 4 choices where 5 are expected",
        ),
        ({"question": {"stem": "s", "choices": None}}, "c:1: 'choices' is None, not a list"),
        ({"question": {"stem": "s"}}, "c:1: key 'choices' is missing"),
    ):
        whole = {"id": "i", "answerKey": "D", "question": {"stem": "s", "choices": choices}}
        with pytest.raises(UserError, match=message):
            read_commonsenseqa(write(tmp_path, "c", json.dumps({**whole, **changed})), COMMON)
    with pytest.raises(UserError, match="d: duplicate id 'i'"):
        read_commonsenseqa(write(tmp_path, "d", 2 * f"{json.dumps(whole)}\n"), COMMON)


def test_qqp_leaves_out_questions_broken_over_two_lines(tmp_path: Path) -> None:
    rows = ["question1\tquestion2\tis_duplicate", *(f"q {n}\tr {n}\t0" for n in range(3000))]
    rows[9:9] = ["How do", "I?\tWhy?\t"[:-1]]
    examples = read_qqp_tsv(write(tmp_path, "a.tsv", "\n".join(rows)), QQP)
    assert len(examples) == 3000
    assert examples[7].id == "9"
    assert examples[8].id == "12"
    with pytest.raises(UserError, match=r"b\.tsv:10: 1 columns where 3 are expected"):
        read_qqp_tsv(write(tmp_path, "b.tsv", "\n".join(rows[:1000])), QQP)


def test_squad_offsets_are_characters(tmp_path: Path) -> None:
    (example,) = read_squad(write(tmp_path, "a.json", squad(question())), QA)
    assert example.answers == (Answer("Rom", 12),)
    twice = write(tmp_path, "b.json", squad(question(), question()))
    assert [e.id for e in read_squad_numbered(twice, QA)] == ["1", "2"]


def test_tagging_tsv(tmp_path: Path) -> None:
    path = write(tmp_path, "test-de.tsv", "Rom\tPROPN\n.\tPUNCT\n\n\n\nJa\tINTJ\n")
    first, second = read_tagging_tsv(path, POS)
    assert (first.id, first.words, first.tags) == ("test-de-1", ("Rom", "."), ("PROPN", "PUNCT"))
    assert (second.id, second.words) == ("test-de-2", ("Ja",))


def test_parallel_lines_match_each_other(tmp_path: Path) -> None:
    sentences = read_parallel(write(tmp_path, "a", "Ja\nNein\n"), write(tmp_path, "b", "Yes\nNo\n"))
    assert [s.id for s in sentences] == ["source-1", "source-2", "target-1", "target-2"]
    assert sentences[1].matches == ("target-2",)
    assert sentences[2].matches == ("source-1",)
    with pytest.raises(UserError, match="2 lines for the 1 lines of c"):
        read_parallel(tmp_path / "a", write(tmp_path, "c", "Yes\n"))


DEFECTS = [
    (
        read_nli_tsv,
        NLI,
        "a\tb\tneutral\na\tb\tmaybe\n",
        r"bad:2: unknown label 'maybe'; known: con",
    ),
    (read_nli_tsv, NLI, "a\n", r"bad:1: 1 columns where 3 are expected"),
    (read_nli_jsonl, NLI, '{"gold_label": "neutral", "sen', r"bad:1: broken JSON"),
    (read_nli_jsonl, NLI, '{"gold_label": "neutral"}', r"bad:1: key 'sentence1' is missing"),
    (
        read_nli_jsonl,
        NLI,
        '{"gold_label": "neutral", "sentence1": null, "sentence2": "b"}',
        r"bad:1: 'sentence1' is None, not a text",
    ),
    (
        read_nli_jsonl,
        NLI,
        2 * '{"gold_label": "neutral", "sentence1": "a", "sentence2": "b", "pairID": 7}\n',
        r"bad: duplicate id '7'",
    ),
    (
        read_nli_jsonl,
        NLI,
        '{"gold_label": "yes", "sentence1": "a", "sentence2": "b"}',
        r"bad:1: unknown label 'yes'",
    ),
    (read_nli_jsonl, NLI, "[]", r"bad:1: not a JSON object"),
    (
        read_pawsx_tsv,
        PAWSX,
        "id\tsentence1\tlabel\n",
        r"bad:1: column 'sentence2' is missing; the he",
    ),
    (
        read_pawsx_tsv,
        PAWSX,
        "id\tsentence1\tsentence2\tlabel\n1\ta\tb\t1\n1\ta\tc\t0\n",
        r"bad: duplicate id '1'",
    ),
    (
        read_pawsx_tsv,
        PAWSX,
        "id\tsentence1\tsentence2\tlabel\n1\ta\tb\t2\n",
        r"bad:2: unknown label '2'; known: 0, 1",
    ),
    (read_pawsx_tsv, PAWSX, "id\tsentence1\tsentence2\tlabel\n1\ta\n", r"bad:2: 2 columns where 4"),
    (read_qqp_tsv, QQP, "question1\tquestion2\tis_duplicate\na\tb\n", r"bad:2: 2 columns where 3"),
    (read_squad, QA, squad(question(start=11)), r"bad: question 'q': the answer 'Rom' does not st"),
    (read_squad, QA, squad(question(start=-5)), r"'Rom' does not stand at character -5"),
    (read_squad, QA, squad(question(start=99)), r"'Rom' does not stand at character 99"),
    (read_squad, QA, squad(question(start=None)), r"'Rom' does not stand at character None"),
    (read_squad, QA, squad(question(text="")), r"bad: question 'q': the answer '' does not stand"),
    (read_squad, QA, squad(question(), question()), r"bad: duplicate id 'q'"),
    (read_squad, QA, squad({**question(), "answers": []}), r"question 'q' has no answer"),
    (read_squad, QA, squad(question())[:50], r"bad:1: broken JSON.*; copy it again"),
    (read_squad, QA, squad(question(), context=None), r"bad: 'context' is None, not a text"),
    (read_squad, QA, squad({**question(), "answers": None}), r"bad: 'answers' is None, not a list"),
    (read_squad, QA, '{"data": {"a": 1}}', r"bad: 'data' is {'a': 1}, not a list"),
    (read_squad, QA, '{"version": 1}', r"bad: key 'data' is missing"),
    (read_tagging_tsv, POS, "Rom\tPROPN\nRom\n", r"bad:2: 1 columns where 2"),
    (read_tagging_tsv, POS, "Rom\tNAME\n", r"bad:1: unknown label 'NAME'"),
    (read_tagging_tsv, POS, "\tPROPN\n", r"bad:1: an empty word"),
]


@pytest.mark.parametrize(("reader", "spec", "text", "message"), DEFECTS)
def test_defects_are_named(tmp_path: Path, reader, spec, text: str, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=message):
        reader(write(tmp_path, "bad", text), spec)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole = gzip.compress(("a line of text\n" * 5000).encode())
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"cut\.gz: broken gzip file.*; copy it again"):
        list(read_lines(tmp_path / "cut.gz"))
    (tmp_path / "none.gz").write_bytes(b"no gzip at all")
    with pytest.raises(UserError, match=r"none\.gz: broken gzip file"):
        list(read_lines(tmp_path / "none.gz"))
    packed = gzip.compress(squad(question()).encode())
    (tmp_path / "cut.json.gz").write_bytes(packed[:-20])
    with pytest.raises(UserError, match=r"cut\.json\.gz: broken gzip file.*; copy it again"):
        read_squad(tmp_path / "cut.json.gz", QA)
    (tmp_path / "latin.json").write_bytes(squad(question()).encode() + b"\xff")
    with pytest.raises(UserError, match=r"latin\.json: not UTF-8 at byte \d+"):
        read_squad(tmp_path / "latin.json", QA)
    with pytest.raises(UserError, match="is a folder, not a file"):
        list(read_lines(tmp_path))
    (tmp_path / "latin").write_bytes(b"fine\nna\xefve\n")
    with pytest.raises(UserError, match=r"latin:2: not UTF-8 \(byte 2 of the line\)"):
        list(read_lines(tmp_path / "latin"))
    with pytest.raises(UserError, match=r"nul:1: a NUL character"):
        list(read_lines(write(tmp_path, "nul", "a\0b\n")))
    with pytest.raises(UserError, match=r"long:1: a line of 1000001 characters"):
        list(read_lines(write(tmp_path, "long", "x" * 1_000_001)))
    with pytest.raises(UserError, match="no such file"):
        list(read_columns(tmp_path / "absent", ("a",)))
